// How far each text on the page stands out from what is behind it: the texts that stand out less than
// 4.5 to 1 (WCAG 2.2, success criterion 1.4.3, level AA), as lines; and how many there are.

const parts = (color) => {
  const found = color.match(/^rgba?\((\d+), (\d+), (\d+)(?:, ([\d.]+))?\)$/);
  if (!found) throw new Error(`not understood: ${color}`);
  const [, red, green, blue, alpha] = found;
  return { rgb: [red, green, blue].map(Number), alpha: alpha === undefined ? 1 : Number(alpha) };
};

// WCAG 2.2, relative luminance.
const luminance = (rgb) => {
  const [red, green, blue] = rgb.map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};

const behind = (element) => {
  for (let one = element; one; one = one.parentElement) {
    const { rgb, alpha } = parts(getComputedStyle(one).backgroundColor);
    if (alpha === 1) return rgb;
    if (alpha !== 0) throw new Error(`half transparent: ${one.outerHTML}`);
  }
  throw new Error("nothing is behind the page");
};

const has_text = (element) => element.matches("input, textarea")
  || [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());

const shown = (element) => element.checkVisibility({ visibilityProperty: true });

const texts = [...document.body.querySelectorAll("*")]
  .filter((one) => !one.matches("script, noscript, title") && has_text(one) && shown(one));
const weak = texts.flatMap((element) => {
  const style = getComputedStyle(element);
  if (style.opacity !== "1") throw new Error(`half transparent: ${element.outerHTML}`);
  const { rgb, alpha } = parts(element instanceof SVGElement ? style.fill : style.color);
  if (alpha !== 1) throw new Error(`half transparent: ${element.outerHTML}`);
  const [dim, bright] = [luminance(rgb), luminance(behind(element))].sort((a, b) => a - b);
  const contrast = (bright + 0.05) / (dim + 0.05);
  return contrast < 4.5 ? [`${contrast.toFixed(2)}: ${element.outerHTML.slice(0, 200)}`] : [];
});
return { weak, texts: texts.length, ground: luminance(behind(document.body)) };
