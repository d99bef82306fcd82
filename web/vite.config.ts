import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// Built into the package; the names of the files follow from their contents, so that a build repeats byte for byte.
export default defineConfig({
  plugins: [svelte()],
  base: "./",
  build: { outDir: "../src/cutaway/web/page", emptyOutDir: true, target: "es2022", modulePreload: false },
});
