// The 65,536 ports of a customer edge's address, one pixel each: a row for each high octet, a column for each low one.

import { h, put, table } from "./dom.js";
import { t } from "./i18n.js";
import { grouped } from "./format.js";

const kSide = 256;
const kPorts = kSide * kSide;
const kStates = ["not-ours", "free", "in-use", "resting", "static"];  // what is later wins

export function parse_range(text) {
  const [first, last] = text.split("-").map(Number);
  return [first, last ?? first];
}

function css_color(name) {
  const probe = h("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const numbers = getComputedStyle(probe).color.match(/\d+/g).map(Number);
  probe.remove();
  return numbers;
}

export class PortMap {
  constructor() {
    this.states = new Uint8Array(kPorts);
    this.users = new Map();
    this.port = 0;
    this.canvas = h("canvas", { width: kSide, height: kSide, tabindex: "0", role: "application", "aria-label": t("port-map-label"),
      onkeydown: (event) => this.move(event), onpointermove: (event) => this.point(event), onpointerdown: (event) => this.point(event) });
    this.mark = h("span", { class: "port-mark", "aria-hidden": "true" });
    this.readout = h("p", { class: "readout", "aria-live": "polite" });
    this.legend = h("ul", { class: "legend" });
    const axis = (className, labels) => h("div", { class: className, "aria-hidden": "true" }, labels.map((label) => h("span", {}, label)));
    this.element = h("div", { class: "portmap" },
      h("div", { class: "canvas-box" }, axis("axis-y", ["0", "16384", "32768", "49152", "65535"]), h("div", { class: "canvas-frame" }, this.canvas, this.mark)),
      this.readout, this.legend);
  }

  // `ranges`: ours, as [first, last]; `used`: [first, last] that are taken or rest, or null when that is not known.
  update(ranges, bindings, used) {
    const states = this.states;
    states.fill(0);
    this.users.clear();
    for (const [first, last] of ranges) states.fill(1, first, last + 1);
    for (const [first, last] of used ?? []) states.fill(3, first, last + 1);
    for (const binding of bindings) {
      const port = binding["outside-port"] ?? binding["outside-identifier"];
      const state = binding.static ? 4 : 2;
      if (states[port] !== 4) states[port] = state;
      if (!this.users.has(port)) this.users.set(port, []);
      this.users.get(port).push(binding);
    }
    if (!this.is_placed && ranges.length) {
      this.port = ranges[0][0];
      this.is_placed = true;
    }
    this.draw();
  }

  draw() {
    const colors = kStates.map((state) => css_color(`port-${state}`));
    const image = new ImageData(kSide, kSide);
    const counts = kStates.map(() => 0);
    this.states.forEach((state, port) => {
      image.data.set([...colors[state], 255], port * 4);
      ++counts[state];
    });
    this.canvas.getContext("2d").putImageData(image, 0, 0);
    put(this.legend, kStates.map((state, i) => {
      const swatch = h("span", { class: "swatch" });
      swatch.style.background = `var(--port-${state})`;
      return h("li", {}, swatch, t(`port-${state}`), h("b", {}, grouped(counts[i])));
    }));
    this.show();
  }

  move(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -kSide, ArrowDown: kSide, Home: -kPorts, End: kPorts };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    this.port = Math.min(kPorts - 1, Math.max(0, this.port + step));
    this.show();
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const place = (at, start, size) => Math.min(kSide - 1, Math.max(0, Math.floor(((at - start) / size) * kSide)));
    this.port = place(event.clientY, box.top, box.height) * kSide + place(event.clientX, box.left, box.width);
    this.show();
  }

  show() {
    const { port } = this;
    this.mark.style.left = `${((port % kSide) + 0.5) / kSide * 100}%`;
    this.mark.style.top = `${(Math.floor(port / kSide) + 0.5) / kSide * 100}%`;
    const users = this.users.get(port) ?? [];
    put(this.readout, h("b", {}, t("port-n", { port })), ` ${t(`port-${kStates[this.states[port]]}`)}`,
      users.map((user) => h("span", { class: "mono" }, ` ${user.protocol} ${user["inside-ipv4"] ?? user.inside ?? ""}:${user["inside-port"] ?? user["inside-identifier"] ?? ""}`)));
  }

  // Use by range, for who has few large ones or many small ones.
  ranges_table(ranges, bar) {
    const rows = ranges.map(([first, last]) => {
      let taken = 0;
      for (let port = first; port <= last; ++port) if (this.states[port] > 1) ++taken;
      return [`${first}–${last}`, bar(taken, last - first + 1, `${grouped(taken)} / ${grouped(last - first + 1)}`)];
    });
    return table(t("port-ranges"), [{ title: t("port-ranges"), mono: true }, { title: t("in-use-column") }], rows, "");
  }
}
