import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { format, useZone } from "./clock";

interface Line {
  name: string;
  values: (number | null)[];
}

const color = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name);

/** A chart with a caption, and a table for those who can't see it. */
export default function Chart({ title, at, lines }: { title: string; at: number[]; lines: Line[] }) {
  const ref = useRef<HTMLDivElement>(null);
  const zone = useZone();
  useEffect(() => {
    const el = ref.current;
    if (!el || at.length === 0) return;
    const probe = document.createElement("span");
    el.append(probe);
    const resolved = (name: string) => {
      probe.style.color = color(name);
      return getComputedStyle(probe).color;
    };
    const axis = {
      stroke: resolved("--soft"),
      grid: { stroke: resolved("--line"), width: 1 },
      ticks: { stroke: resolved("--line"), width: 1 },
    };
    const strokes = [resolved("--accent"), resolved("--warn"), resolved("--bad")];
    probe.remove();
    const plot = new uPlot(
      {
        width: el.clientWidth,
        height: 190,
        tzDate: (t) => (zone === "utc" ? uPlot.tzDate(new Date(t * 1000), "Etc/UTC") : new Date(t * 1000)),
        axes: [axis, { ...axis, size: 52 }],
        scales: { y: { range: (_, __, max) => [0, Math.max(max * 1.1, 1)] } },
        series: [
          {},
          ...lines.map((l, i) => ({
            label: l.name,
            stroke: strokes[i],
            width: 2,
            dash: i > 0 ? [6, 4] : undefined,
            points: { show: at.length < 2 },
          })),
        ],
      },
      [at, ...lines.map((l) => l.values)],
      el,
    );
    const resize = new ResizeObserver(() => plot.setSize({ width: el.clientWidth, height: 190 }));
    resize.observe(el);
    return () => {
      resize.disconnect();
      plot.destroy();
    };
  }, [at, lines, zone]);
  return (
    <figure className="panel" aria-label={title}>
      <figcaption>
        <h2>{title}</h2>
      </figcaption>
      <div ref={ref} className="chart" aria-hidden="true" />
      <table className="sr">
        <caption>{title}</caption>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {lines.map((l) => (
              <th key={l.name} scope="col">
                {l.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {at.map((t, i) => (
            <tr key={t}>
              <td>{format(new Date(t * 1000), zone)}</td>
              {lines.map((l) => (
                <td key={l.name}>{l.values[i] === null ? "no data" : l.values[i]?.toFixed(2)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}
