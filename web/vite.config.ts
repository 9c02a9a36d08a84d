import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defaultClientConditions, defineConfig, type Plugin } from "vite";
import { pages } from "./src/menu.ts";

/**
 * Writes into index.html what the browser can use before the scripts have run: the names of the pages, for the frame
 * that it shows until then, and the scripts and styles of the application, which src/main.ts asks for after the paint.
 */
const early: Plugin = {
  name: "early",
  transformIndexHtml: {
    order: "post",
    handler(html, { bundle = {} }) {
      const app = Object.values(bundle).find((f) => f.type === "chunk" && f.name === "app");
      const chunk = app?.type === "chunk" ? app : undefined;
      return {
        html: html.replace("<!-- pages -->", pages.map(([name]) => `<a>${name}</a>`).join("")),
        tags: [
          ...(chunk ? [chunk.fileName, ...chunk.imports] : [])
            .filter((file) => !html.includes(file))
            .map((file) => ({
              tag: "link",
              attrs: { rel: "modulepreload", crossorigin: true, href: `/${file}` },
              injectTo: "head" as const,
            })),
          ...[...(chunk?.viteMetadata?.importedCss ?? [])].map((file) => ({
            tag: "link",
            attrs: { rel: "stylesheet", crossorigin: true, href: `/${file}` },
            injectTo: "head" as const,
          })),
        ],
      };
    },
  },
};

// The dashboard is built into dist/app, which the Go package embeds. For
// development, `make web` serves it with hot reload in front of `sendoff dev`.
export default defineConfig({
  plugins: [react(), tailwindcss(), early],
  resolve: { conditions: ["sendoff-source", ...defaultClientConditions] }, // of our client, which is built for its package alone
  build: {
    outDir: "dist/app",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the content security policy allows no data: scripts
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      checks: { pluginTimings: false }, // noise of a busy machine
      // What the application needs at once comes in one file: a browser has six connections to a server of HTTP/1.1.
      output: {
        codeSplitting: { groups: [{ name: "base", test: /node_modules\/(?!uplot)|\/src\/(api|clock|live|search|ui|words)\.tsx?$/ }] },
      },
    },
  },
  server: {
    host: "127.0.0.1",
    port: 5173,
    strictPort: true,
    proxy: {
      "/v1": { target: process.env.SENDOFF_URL ?? "http://127.0.0.1:8080", changeOrigin: true, headers: { origin: "" } },
      "/docs": process.env.SENDOFF_URL ?? "http://127.0.0.1:8080",
      "/openapi.json": process.env.SENDOFF_URL ?? "http://127.0.0.1:8080",
    },
  },
});
