// Draws dashboards as pictures: node draw.mjs PROMETHEUS DASHBOARDS OUT
//
// No registry has Grafana's server. So this page lays the panels out as Grafana does (gridPos, 24 columns), asks a real
// Prometheus every query of every panel, and draws the answers with uPlot, which Grafana draws with too. Colours and
// fonts are near Grafana's and not the same.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [prometheus, dashboards, out] = process.argv.slice(2);
const root = join(import.meta.dirname, '../..');
const uplot = join(root, 'dashboards/live/uplot');
const span = 120; // seconds that a picture shows
const values = {
  $__rate_interval: '15s', $__range: '2m', $namespace: '.*', $pod: '.*', $model: '.*', $slo: '.*', $role: 'client|server',
};

// The dashboards begin with the first cell of the load test.
const { data: cells } = await (await fetch(`${prometheus}/api/v1/label/cell/values`)).json();
values.$cell = cells.sort()[0];

const filled = (query) => Object.entries(values).reduce((text, [name, value]) => text.replaceAll(name, value), query);

async function ask(target, end) {
  const query = { query: filled(target.expr) };
  const [path, more] = target.instant ? ['query', { time: end }] : ['query_range', { start: end - span, end, step: 2 }];
  const answer = await (await fetch(`${prometheus}/api/v1/${path}?${new URLSearchParams({ ...query, ...more })}`)).json();
  if (answer.status !== 'success') throw new Error(`${target.expr}: ${answer.error}`);
  return answer.data.result;
}

const name = (target, labels) => target.legendFormat
  ? target.legendFormat.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => labels[label] ?? '').trim()
  : Object.values(labels).join(' ');

// series makes [time, value] lists of an answer, with their names.
const series = (target, result) => result.map((r) => ({
  name: name(target, r.metric), points: (r.values ?? [r.value]).map(([at, v]) => [at, Number(v)]), labels: r.metric,
}));

async function answered(dashboard) {
  const end = Math.floor(Date.now() / 1000);
  for (const panel of dashboard.panels) {
    panel.answers = [];
    for (const target of panel.targets ?? []) panel.answers.push(series(target, await ask(target, end)));
  }
  return { title: dashboard.title, panels: dashboard.panels, from: end - span, to: end };
}

function photograph(board, file) {
  const dir = mkdtempSync(join(tmpdir(), 'headway-pictures-'));
  const page = readFileSync(join(import.meta.dirname, 'page.html'), 'utf8')
    .replace('/*uPlot.css*/', () => readFileSync(join(uplot, 'uPlot.min.css'), 'utf8'))
    .replace('/*uPlot.js*/', () => readFileSync(join(uplot, 'uPlot.iife.min.js'), 'utf8'))
    .replace('/*board*/', () => JSON.stringify(board).replaceAll('<', '\\u003c'));
  writeFileSync(join(dir, 'page.html'), page);
  const rows = Math.max(...board.panels.map((p) => p.gridPos.y + p.gridPos.h));
  execFileSync('chromium', ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--hide-scrollbars',
    `--user-data-dir=${join(dir, 'profile')}`, `--window-size=1280,${rows * 30 + 60}`, '--virtual-time-budget=2000',
    `--screenshot=${file}`, `file://${join(dir, 'page.html')}`], { stdio: 'pipe' });
  execFileSync('pngquant', ['--force', '--ext', '.png', '--speed', '1', '32', file]);
  rmSync(dir, { recursive: true });
}

for (const file of readdirSync(dashboards).filter((f) => f.endsWith('.json'))) {
  const board = await answered(JSON.parse(readFileSync(join(dashboards, file), 'utf8')));
  photograph(board, join(out, file.replace('.json', '.png')));
  console.log(join(out, file.replace('.json', '.png')));
}
