"use strict";
(() => {
  const all = (what, where = document) => [...where.querySelectorAll(what)];
  const told = (id) => {
    const held = document.querySelector(`script[data-for="${id}"]`);
    return held ? JSON.parse(held.textContent) : null;
  };
  const drawn = (svg, name, fields) => {
    const made = document.createElementNS(svg.namespaceURI, name);
    for (const [key, value] of Object.entries(fields)) made.setAttribute(key, value);
    return made;
  };
  document.documentElement.classList.add("on");

  // All tables of a page at once.
  for (const button of all("button.tables")) {
    button.addEventListener("click", () => {
      const tables = all("details.behind");
      const open = tables.some((one) => !one.open);
      for (const one of tables) one.open = open;
      button.textContent = open ? "Close all tables" : "Open all tables";
    });
  }

  // A table that is wider than its place says so.
  const measure = new ResizeObserver((seen) => {
    for (const { target } of seen) target.classList.toggle("more", target.scrollWidth > target.clientWidth);
  });
  for (const box of all(".scroll")) measure.observe(box);

  // A link into a folded run opens it.
  const unfold = () => {
    const aim = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    for (let at = aim; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    if (aim) aim.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  unfold();

  // Copying a command; where that is not allowed it is at least selected.
  for (const button of all("button.copy")) {
    button.addEventListener("click", () => {
      const range = document.createRange();
      range.selectNodeContents(button.closest(".block").querySelector("pre"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      let done = false;
      try { done = document.execCommand("copy"); } catch { done = false; }
      button.textContent = done ? "Copied" : "Selected, now copy";
    });
  }

  // Tables sorted by a column: numbers by their first figure, and what is not measured last.
  const figure = (cell) => {
    const found = cell.textContent.replace(/,/g, "").replace(/\u2212/g, "-").match(/^\s*[+-]?\d+(\.\d+)?/);
    return found ? Number(found[0]) : NaN;
  };
  const order = (index, numeric, sign) => (a, b) => {
    const [x, y] = [a.cells[index], b.cells[index]];
    if (!numeric) return sign * x.textContent.localeCompare(y.textContent);
    const [p, q] = [figure(x), figure(y)];
    if (Number.isNaN(p) || Number.isNaN(q)) return Number.isNaN(p) - Number.isNaN(q);
    return sign * (p - q);
  };
  for (const table of all("table.sortable")) {
    const heads = all("thead th", table);
    heads.forEach((head, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") !== "descending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...table.tBodies[0].rows];
        const numeric = index > 0 && rows.some((row) => !Number.isNaN(figure(row.cells[index])));
        table.tBodies[0].append(...rows.sort(order(index, numeric, down ? -1 : 1)));
      });
    });
  }

  // Label curves: what was reached at the nearest number of labels.
  for (const box of all("figure.curve")) {
    const facts = told(box.id);
    const readout = box.querySelector(".readout");
    const svgs = all("svg", box);
    if (!facts || !readout) continue;
    let at = -1;
    const show = (index) => {
      at = Math.max(0, Math.min(facts.n.length - 1, index));
      const bold = document.createElement("b");
      bold.textContent = `${facts.n[at].toLocaleString("en")} labels`;
      const lines = Object.entries(facts.lines).filter(([, values]) => values[at]);
      readout.replaceChildren(bold, `: ${lines.map(([name, values]) => `${name} ${values[at]}`).join("; ")}`);
      svgs.forEach((svg) => {
        const [left, right, top, bottom] = facts.box[svg.classList.contains("w") ? "w" : "n"];
        const { width, height } = svg.viewBox.baseVal;
        const x = width * (left + (right - left) * facts.x[at]);
        all(".cross", svg).forEach((old) => old.remove());
        svg.append(drawn(svg, "line", { class: "cross", x1: x, x2: x, y1: height * top, y2: height * bottom }));
      });
    };
    for (const svg of svgs) {
      svg.setAttribute("tabindex", "0");
      svg.addEventListener("pointermove", (event) => {
        const [left, right] = facts.box[svg.classList.contains("w") ? "w" : "n"];
        const area = svg.getBoundingClientRect();
        const x = ((event.clientX - area.left) / area.width - left) / (right - left);
        const far = facts.x.map((place) => Math.abs(place - x));
        show(far.indexOf(Math.min(...far)));
      });
      svg.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (!step) return;
        event.preventDefault();
        show(at < 0 ? 0 : at + step);
      });
    }
  }

  // Maps: the picture of the nearest dot that has one, and the dots of its class.
  for (const box of all(".mapbox")) {
    const svg = box.querySelector("svg.map");
    const facts = told(svg.id);
    const tip = box.querySelector(".tip");
    const spoken = box.querySelector(".spoken");
    if (!facts || !facts.at.length) continue;
    const { width, height } = svg.viewBox.baseVal;
    let now = -1;
    const clear = () => {
      all(".here", svg).forEach((old) => old.remove());
      all(".lit", svg).forEach((old) => old.classList.remove("lit"));
      svg.classList.remove("dim");
      tip.hidden = true;
      now = -1;
    };
    const show = (index) => {
      if (index === now) return;
      clear();
      now = index;
      const [x, y, group, column, row, name, said] = facts.at[index];
      svg.append(drawn(svg, "circle", { class: "here", cx: x, cy: y, r: 8 }));
      if (facts.names.length > 1) {
        svg.classList.add("dim");
        all(`[data-g="${group}"]`, svg).forEach((path) => path.classList.add("lit"));
      }
      const words = [facts.names[group] || "", said ? `taken for ${said}` : "", name].filter(Boolean);
      tip.replaceChildren();
      if (column >= 0) {
        const side = facts.side;
        const cell = drawn(svg, "svg", { viewBox: `${column * side} ${row * side} ${side} ${side}` });
        cell.append(drawn(svg, "use", { href: `#${facts.sheet}` }));
        tip.append(cell);
      }
      for (const word of words) {
        const line = document.createElement("div");
        line.textContent = word;
        tip.append(line);
      }
      tip.hidden = false;
      const area = svg.getBoundingClientRect();
      const [px, py] = [(x / width) * area.width, (y / height) * area.height];
      tip.style.left = `${px + 14 + tip.offsetWidth > area.width ? Math.max(0, px - 14 - tip.offsetWidth) : px + 14}px`;
      tip.style.top = `${Math.max(0, Math.min(area.height - tip.offsetHeight, py - tip.offsetHeight / 2))}px`;
      spoken.textContent = words.join(", ");
    };
    const nearest = (x, y, allowed = () => true) => {
      let [best, least] = [-1, Infinity];
      facts.at.forEach(([u, v], index) => {
        const far = (u - x) ** 2 + (v - y) ** 2;
        if (far < least && allowed(u - x, v - y)) [best, least] = [index, far];
      });
      return best;
    };
    const pointed = (event) => {
      const area = svg.getBoundingClientRect();
      show(nearest(((event.clientX - area.left) / area.width) * width, ((event.clientY - area.top) / area.height) * height));
    };
    const ways = {
      ArrowLeft: (dx, dy) => dx < 0 && Math.abs(dy) <= -dx, ArrowRight: (dx, dy) => dx > 0 && Math.abs(dy) <= dx,
      ArrowUp: (dx, dy) => dy < 0 && Math.abs(dx) <= -dy, ArrowDown: (dx, dy) => dy > 0 && Math.abs(dx) <= dy,
    };
    svg.setAttribute("tabindex", "0");
    svg.addEventListener("pointermove", pointed);
    svg.addEventListener("pointerdown", pointed);
    svg.addEventListener("pointerleave", clear);
    svg.addEventListener("blur", clear);
    svg.addEventListener("keydown", (event) => {
      if (event.key === "Escape") clear();
      if (!ways[event.key]) return;
      event.preventDefault();
      const [x, y] = now < 0 ? [width / 2, height / 2] : facts.at[now];
      const next = now < 0 ? nearest(x, y) : nearest(x, y, ways[event.key]);
      if (next >= 0) show(next);
    });
  }
})();
