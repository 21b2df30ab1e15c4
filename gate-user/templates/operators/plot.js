// Draws what passed and was dropped, stacked, over the last hour. In: points of /v1/series. Out: SVG.

const SVG = "http://www.w3.org/2000/svg";
// Told apart in light and in dark, and by those who see few colours.
const COLORS = {
  passed: "#3a9d5d", limited: "#8c8c8c", would_drop: "#b8b8b8", manual: "#d1495b", feed: "#e58606",
  directspam: "#5d69b1", highspam: "#7f3c8d", nobounce: "#a5668b", rollup: "#2f8ac4",
  dnsbl: "#11a5a5", connlimit: "#b07c1a", dynamic: "#99c945", generic: "#24796c", nordns: "#daa51b",
  forged: "#ed645a",
};
const NAMES = Object.keys(COLORS);

// How many of a name a point counts.
function count(point, name) {
  return point.dropped[name] ?? point[name] ?? 0;
}

function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// The next round number from `value` on.
function round_up(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value;
}

export function draw(svg, legend, points, seconds) {
  const width = svg.clientWidth || 600, height = svg.clientHeight || 220;
  const left = 44, bottom = height - 18, top = 8;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const used = NAMES.filter((name) => points.some((point) => count(point, name) > 0));
  const sums = points.map((point) => used.reduce((sum, name) => sum + count(point, name), 0) / seconds);
  const most = round_up(Math.max(1, ...sums));
  const now = points.length ? Date.parse(points[points.length - 1].at) : 0;
  const past = Math.max(300_000, points.length ? now - Date.parse(points[0].at) : 0);
  const x = (at) => width - ((now - at) / past) * (width - left);
  const y = (rate) => bottom - (rate / most) * (bottom - top);

  const drawn = [];
  for (const share of [0, 0.5, 1]) {
    const at = y(most * share);
    drawn.push(element("line", { x1: left, x2: width, y1: at, y2: at, class: "axis" }));
    drawn.push(element("text", { x: left - 6, y: at + 4, "text-anchor": "end" }, `${most * share}`));
  }
  drawn.push(element("text", { x: left, y: height - 3 }, `${Math.round(past / 60_000)} min ago`));
  drawn.push(element("text", { x: width, y: height - 3, "text-anchor": "end" }, "now"));
  const below = points.map(() => 0);
  for (const name of used) {
    const lower = [], upper = [];
    points.forEach((point, i) => {
      const at = x(Date.parse(point.at)).toFixed(1);
      lower.unshift(`${at},${y(below[i]).toFixed(1)}`);
      below[i] += count(point, name) / seconds;
      upper.push(`${at},${y(below[i]).toFixed(1)}`);
    });
    const area = element("polygon", { points: [...upper, ...lower].join(" "), fill: COLORS[name] });
    area.append(element("title", {}, name));
    drawn.push(area);
  }
  svg.replaceChildren(...drawn);
  legend.replaceChildren(...used.map((name) => {
    const mark = element("svg", { viewBox: "0 0 1 1", "aria-hidden": "true" });
    mark.append(element("rect", { width: 1, height: 1, fill: COLORS[name] }));
    const label = document.createElement("span");
    label.append(mark, name.replace("_", " "));
    return label;
  }));
}
