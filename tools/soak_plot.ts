/** Draws what a program held over time, as an SVG of one plot a quantity. */

/** One quantity: its name, and a value for each moment. */
export interface Series {
  name: string;
  /** Shows a value: `12 MB`. */
  show: (value: number) => string;
  points: [seconds: number, value: number][];
}

const WIDTH = 860;
const HEIGHT = 130;
const LEFT = 90;
const TOP = 34;

/** Two decimals are finer than a screen. */
const short = (value: number) => Number(value.toFixed(2));

/** The least step of 1, 2 or 5 times a power of ten that reaches `value` in four. */
export function ceiling(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((n) => n * power).find((most) => most >= value)!;
}

function plot({ name, show, points }: Series, top: number): string {
  const last = points.at(-1)?.[0] ?? 1;
  const most = ceiling(Math.max(...points.map(([, value]) => value), 0));
  const x = (seconds: number) => short(LEFT + seconds / last * (WIDTH - LEFT - 20));
  const y = (value: number) => short(top + HEIGHT - value / most * HEIGHT);
  const path = points.map(([at, value], n) => `${n === 0 ? "M" : "L"}${x(at)} ${y(value)}`);
  const lines = [0, most / 2, most].map((value) =>
    `<line x1="${LEFT}" x2="${WIDTH - 20}" y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/>` +
    `<text x="${LEFT - 8}" y="${y(value) + 4}" text-anchor="end">${show(value)}</text>`
  );
  return [
    `<text x="${LEFT}" y="${top - 10}" font-weight="bold">${name}</text>`,
    ...lines,
    `<path d="${path.join("")}" fill="none" stroke="#1264a3" stroke-width="1.5"/>`,
    `<text x="${WIDTH - 20}" y="${top + HEIGHT + 16}" text-anchor="end">${
      Math.round(last)
    } s</text>`,
  ].join("\n");
}

/** The whole picture. */
export function drawing(title: string, series: Series[]): string {
  const height = TOP + 30 + series.length * (HEIGHT + 60);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
    `font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="20" y="24" font-size="15">${title}</text>`,
    ...series.map((one, n) => plot(one, TOP + 40 + n * (HEIGHT + 60))),
    "</svg>\n",
  ].join("\n");
}
