// Checks dashboards by the types of Grafana's own package: node check.mjs DASHBOARD.json…
// It prints what is wrong, a line each, and ends with 1 if anything is. GRAFANA_TOOLS is the folder of the packages.
import { createRequire } from "node:module";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const tools = process.env.GRAFANA_TOOLS;
const ts = createRequire(tools + "/")("typescript");
const work = mkdtempSync(join(tmpdir(), "headway-grafana-"));
symlinkSync(join(tools, "node_modules"), join(work, "node_modules"));
copyFileSync(join(import.meta.dirname, "shape.ts"), join(work, "shape.ts"));
const files = process.argv.slice(2).map((path, i) => {
  const file = join(work, `${i}-${basename(path, ".json")}.ts`);
  writeFileSync(file, `import type { Shape } from "./shape";\nexport const dashboard: Shape = ${readFileSync(path, "utf8")};\n`);
  return file;
});
const program = ts.createProgram(files, {
  strict: true, noEmit: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
});
const problems = ts.getPreEmitDiagnostics(program);
for (const p of problems) {
  const line = p.file ? p.file.getLineAndCharacterOfPosition(p.start).line : 0; // the first line of the JSON is line 1
  console.log(`${p.file ? basename(p.file.fileName, ".ts") : "types"}:${line}: ${ts.flattenDiagnosticMessageText(p.messageText, " ")}`);
}
rmSync(work, { recursive: true });
console.log(`${files.length} dashboards, ${problems.length} problems`);
process.exitCode = problems.length ? 1 : 0;
