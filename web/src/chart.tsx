import { Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { format, formatter, mine, useZone } from "./clock";
import { useTheme } from "./theme";
import { number } from "./words";

interface Line {
  name: string;
  values: (number | null)[];
}

const hour = formatter("en-GB", { hour: "2-digit", minute: "2-digit" });
const instant = formatter("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
const day = formatter("en-GB", { day: "numeric", month: "short" });

/** Labels of the time axis: the hour, and the day where it begins. */
function labels(at: number[], zone: "utc" | "mine"): string[] {
  return at.map((t) => {
    const d = new Date(t * 1000);
    const text = hour(d, zone);
    return text === "00:00" ? day(d, zone) : text;
  });
}

const color = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name);

/** A chart with a caption, and a table for those who can't see it. */
export default function Chart({ title, at, lines }: { title: string; at: number[]; lines: Line[] }) {
  const empty = !lines.some((l) => l.values.some((v) => v));
  const ref = useRef<HTMLDivElement>(null);
  const zone = useZone();
  const theme = useTheme();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme has the colours that are drawn
  useEffect(() => {
    const el = ref.current;
    if (!el || empty) return;
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
    const inside = resolved("--panel");
    const strokes = [resolved("--accent"), resolved("--warn"), resolved("--bad")];
    probe.remove();
    const plot = new uPlot(
      {
        width: el.clientWidth,
        height: 190,
        hooks: {
          // Without a pointer the legend has the newest values.
          setCursor: [(u) => u.cursor.idx == null && u.setLegend({ idx: at.length - 1 }, false)],
        },
        tzDate: (t) => (zone === "utc" ? uPlot.tzDate(new Date(t * 1000), "Etc/UTC") : new Date(t * 1000)),
        axes: [
          { ...axis, space: 70, values: (_, splits) => labels(splits, zone) },
          { ...axis, size: 52, values: (_, splits) => splits.map((v) => number(v)) },
        ],
        scales: { y: { range: (_, __, max) => [0, Math.max(max * 1.1, 1)] } },
        series: [
          { value: (_, t) => (t === null ? "–" : instant(new Date(t * 1000), zone)) },
          ...lines.map((l, i) => ({
            label: l.name,
            stroke: strokes[i],
            width: 2,
            value: (_: uPlot, v: number | null) => number(v, 2),
            dash: i > 0 ? [6, 4] : undefined,
            points: { show: l.values.filter((v) => v !== null).length < 20, fill: inside },
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
  }, [at, lines, zone, theme, empty]);
  return (
    <figure className="panel" aria-label={title}>
      <figcaption className="row">
        <h2>{title}</h2>
        <span className="soft small push">{zone === "utc" ? "UTC" : mine}</span>
      </figcaption>
      {empty ? (
        <p className="soft">
          No message in this time. <Link to="/playground">Send one</Link>
        </p>
      ) : (
        <div ref={ref} className="chart" aria-hidden="true" />
      )}
      <div className="sr">
        <table>
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
      </div>
    </figure>
  );
}
