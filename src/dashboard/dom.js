// Small helpers to make elements. Text always goes in as text, never as markup.

export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// A panel with a heading; `tools` stand at the heading's right.
export function panel(title, tools, ...children) {
  return h("section", { class: "panel" }, h("div", { class: "panel-head" }, h("h2", {}, title), tools), ...children);
}

// columns: {title, number?, mono?}; rows: arrays of text or elements.
export function table(caption, columns, rows, emptyText) {
  const classOf = (column) => [column.number && "number", column.mono && "mono", column.wide && "wide"].filter(Boolean).join(" ") || null;
  if (rows.length === 0) return h("p", { class: "quiet" }, emptyText);
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {},
      h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col", class: classOf(column) }, column.title)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell, i) => h("td", { class: classOf(columns[i]) }, cell ?? "–")))))));
}

// How much of something is used, as a bar with its numbers. `much` is "bad" where much of it is a reason to worry.
export function meter(part, whole, text, much = "bad") {
  const share = whole > 0 ? Math.min(1, part / whole) : 0;
  const level = much !== "bad" || share <= 0.75 ? "" : share > 0.9 ? " bad" : " warn";
  const bar = h("span", { class: `bar${level}` });
  const fill = h("span", { class: "fill" });
  fill.style.width = `${share * 100}%`;
  bar.append(fill);
  return h("span", { class: "meter" }, bar, h("span", { class: "meter-text" }, text));
}

// Replaces what is inside, but keeps what did not change, so that focus and scrolling stay.
export function put(element, ...children) {
  const fresh = h("div", {}, ...children);
  if (element.dataset.was === fresh.innerHTML) return;
  element.dataset.was = fresh.innerHTML;
  const scrolled = [...element.querySelectorAll(".scroll")].map((each) => [each.scrollLeft, each.scrollTop]);
  const focused = [...element.querySelectorAll("*")].indexOf(document.activeElement);
  element.replaceChildren(...fresh.childNodes);
  [...element.querySelectorAll(".scroll")].forEach((each, i) => scrolled[i] && each.scrollTo(...scrolled[i]));
  if (focused >= 0) element.querySelectorAll("*")[focused]?.focus({ preventScroll: true });
}
