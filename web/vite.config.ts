import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The dashboard is built into dist/app, which the Go package embeds. For
// development, `make web` serves it with hot reload in front of `sendoff dev`.
export default defineConfig({
  plugins: [react(), tailwindcss()],
  build: {
    outDir: "dist/app",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the content security policy allows no data: scripts
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { checks: { pluginTimings: false } }, // noise of a busy machine
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
