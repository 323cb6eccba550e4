/** The figures as a picture, for the README: an SVG that is readable on light and dark. */
import { brief, type Figures, type Row } from "./figures.ts";

/** One group of bars. */
export interface Group {
  title: string;
  /** Which comparison of `results.json` it shows. */
  comparison: string;
  /** The contenders that are ours. */
  ours: string[];
  /** Contenders that are not shown. */
  without?: string[];
}

const WIDTH = 760;
/** Where the bars begin, and the most room that one takes. */
const LEFT = 250;
const MOST = 400;
const BAR = 14;
const STEP = 18;
const TITLE = 24;
const GAP = 12;

const STYLE = `
    text { font: 12px system-ui, sans-serif; fill: #1f2328; }
    .title { font-weight: 600; font-size: 13px; }
    .figure { font-variant-numeric: tabular-nums; }
    .bar { fill: #b6bec8; }
    .base { fill: #8b949e; }
    .ours { fill: #0969da; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .bar { fill: #484f58; }
      .base { fill: #6e7681; }
      .ours { fill: #4493f8; }
    }`;

/** Draws the groups whose figures there are. Each bar is a share of its group's best. */
export function chart(groups: Group[], results: Record<string, Figures>): string {
  const parts: string[] = [];
  let y = 4;
  for (const group of groups) {
    const figures = results[group.comparison];
    if (figures === undefined) continue;
    const rows = figures.rows.filter((row) => !group.without?.includes(row.contender));
    const unit = figures.unit + (figures.less ? ", less is better" : "");
    y += TITLE;
    parts.push(
      `<text class="title" x="0" y="${y - 8}">${escape(`${group.title}: ${unit}`)}</text>`,
    );
    const best = Math.max(...rows.map(({ median }) => median));
    rows.forEach((row, at) => {
      parts.push(...barOf(row, row.median / best, y, classOf(row, at, group)));
      y += STEP;
    });
    y += GAP;
  }
  const size = `width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}"`;
  const label = "Figures of the benches, ours in blue";
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="${label}">
  <style>${STYLE}
  </style>
  ${parts.join("\n  ")}
</svg>
`;
}

function classOf({ contender }: Row, at: number, { ours }: Group): string {
  return ours.includes(contender) ? "ours" : at === 0 ? "base" : "bar";
}

function barOf(row: Row, share: number, y: number, kind: string): string[] {
  const width = Math.max(1, Math.round(MOST * (Number.isFinite(share) ? share : 0)));
  const middle = y + BAR - 3;
  const figure = `${brief(row.median)}, x ${row.ratio.toFixed(2)}`;
  return [
    `<text x="${LEFT - 8}" y="${middle}" text-anchor="end">${escape(row.contender)}</text>`,
    `<rect class="${kind}" x="${LEFT}" y="${y}" width="${width}" height="${BAR}" rx="2"/>`,
    `<text class="figure" x="${LEFT + width + 6}" y="${middle}">${figure}</text>`,
  ];
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
