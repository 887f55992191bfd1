(function () {
  "use strict";
  var BLUE = "#0072B2", GREY = "#6f6f6f", ORANGE = "#B04A00";
  var WIDTH = 800, HEIGHT = 300, LEFT = 60, RIGHT = 10, TOP = 12, BOTTOM = 34;
  function element(name, attributes, text) {
    var node = document.createElement(name);
    Object.keys(attributes || {}).forEach(function (key) { node.setAttribute(key, attributes[key]); });
    if (text !== undefined) { node.textContent = text; }
    return node;
  }
  function drawn(name, attributes, text) {
    var node = document.createElementNS("http://www.w3.org/2000/svg", name);
    Object.keys(attributes).forEach(function (key) { node.setAttribute(key, attributes[key]); });
    if (text !== undefined) { node.textContent = text; }
    return node;
  }
  function fixed(value) { return value.toFixed(2).replace("-", "\u2212"); }
  function start(holder, data) {
    var boxes = data.decisions.map(function () { return []; });
    var shown = [], current = -1;
    var heading = element("p", {}, "");
    heading.appendChild(element("strong", {}, "Explore the curve" + (data.label ? " (" + data.label + ")" : "")));
    holder.appendChild(heading);
    holder.appendChild(element("p", {}, "Tick the options to show. In the curve, point at a specification or use the arrow keys, Home and End."));
    data.decisions.forEach(function (decision, place) {
      var set = element("fieldset");
      set.appendChild(element("legend", {}, decision.label));
      decision.options.forEach(function (option, index) {
        var label = element("label"), box = element("input", { type: "checkbox" });
        box.checked = true;
        box.addEventListener("change", refresh);
        label.appendChild(box);
        label.appendChild(document.createTextNode(" " + option));
        set.appendChild(label);
        boxes[place][index] = box;
      });
      holder.appendChild(set);
    });
    var all = element("button", { type: "button" }, "Show all");
    all.addEventListener("click", function () {
      boxes.forEach(function (set) { set.forEach(function (box) { box.checked = true; }); });
      refresh();
    });
    holder.appendChild(element("p")).appendChild(all);
    var counted = element("p", { "aria-live": "polite" });
    holder.appendChild(counted);
    var svg = drawn("svg", {
      viewBox: "0 0 " + WIDTH + " " + HEIGHT, tabindex: "0", role: "application",
      "aria-label": "Specification curve of " + data.outcome + "; arrow keys move between specifications"
    });
    holder.appendChild(svg);
    var told = element("output", { "aria-live": "polite" });
    holder.appendChild(told);
    function x(place) { return LEFT + (place + 0.5) / Math.max(1, shown.length) * (WIDTH - LEFT - RIGHT); }
    var low = 0, high = 0;
    data.rows.forEach(function (row) {
      low = Math.min(low, row.l === null ? row.e : row.l);
      high = Math.max(high, row.h === null ? row.e : row.h);
    });
    function y(value) { return TOP + (high - value) / ((high - low) || 1) * (HEIGHT - TOP - BOTTOM); }
    function median(values) {
      var middle = Math.floor(values.length / 2);
      return values.length % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    }
    function refresh() {
      shown = [];
      data.rows.forEach(function (row, number) {
        var visible = data.decisions.every(function (decision, place) { return boxes[place][decision.chosen[number]].checked; });
        if (visible) { shown.push(number); }
      });
      current = -1;
      told.textContent = "";
      var effects = shown.map(function (number) { return data.rows[number].e; });
      var clear = shown.filter(function (number) { var row = data.rows[number]; return row.l > 0 || (row.h !== null && row.h < 0); }).length;
      counted.textContent = shown.length + " of " + data.rows.length + " specifications" + (shown.length ? ": median " +
        fixed(median(effects)) + " baseline SDs, from " + fixed(effects[0]) + " to " + fixed(effects[effects.length - 1]) + "; " + clear +
        " with an interval that excludes 0." : ".");
      draw();
    }
    function draw() {
      while (svg.firstChild) { svg.removeChild(svg.firstChild); }
      var step = high - low > 4 ? 1 : high - low > 1.5 ? 0.5 : 0.25;
      for (var tick = Math.ceil(low / step) * step; tick <= high; tick += step) {
        svg.appendChild(drawn("text", { x: LEFT - 8, y: y(tick) + 4, "text-anchor": "end", "font-size": 12, fill: "#222" }, fixed(tick + 0)));
        svg.appendChild(drawn("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick), stroke: Math.abs(tick) < 1e-9 ? "#222" : "#ddd" }));
      }
      svg.appendChild(drawn("text", { x: LEFT, y: HEIGHT - 8, "font-size": 12, fill: "#222" },
        "Effect in baseline SDs with " + (100 * data.level) + " % interval, in order; above 0 is a benefit"));
      shown.forEach(function (number, place) {
        var row = data.rows[number], colour = row.l > 0 || (row.h !== null && row.h < 0) ? BLUE : GREY;
        if (row.l !== null && row.h !== null) {
          svg.appendChild(drawn("line", { x1: x(place), x2: x(place), y1: y(row.l), y2: y(row.h), stroke: colour, "stroke-opacity": 0.35 }));
        }
        svg.appendChild(drawn("circle", { cx: x(place), cy: y(row.e), r: row.r ? 6 : 2, fill: row.r ? ORANGE : colour }));
      });
      if (current >= 0) {
        svg.appendChild(drawn("line", { x1: x(current), x2: x(current), y1: TOP, y2: HEIGHT - BOTTOM, stroke: "#222", "stroke-dasharray": "3 2" }));
      }
    }
    function tell(place) {
      if (!shown.length) { return; }
      current = Math.max(0, Math.min(shown.length - 1, place));
      var number = shown[current], row = data.rows[number];
      var options = data.decisions.map(function (decision) { return decision.label + ": " + decision.options[decision.chosen[number]]; });
      told.textContent = (row.r ? "Pre-specified. " : "") + fixed(row.e) + " baseline SDs" +
        (row.l === null ? "" : " (" + fixed(row.l) + " to " + fixed(row.h) + ")") + (row.p ? ", " + row.p : "") + ", n = " + row.n + ". " + options.join("; ") + ".";
      draw();
    }
    svg.addEventListener("keydown", function (event) {
      var moves = { ArrowRight: current + 1, ArrowUp: current + 1, ArrowLeft: current - 1, ArrowDown: current - 1, Home: 0, End: shown.length - 1, PageUp: current + 10, PageDown: current - 10 };
      if (!(event.key in moves)) { return; }
      event.preventDefault();
      tell(moves[event.key]);
    });
    svg.addEventListener("mousemove", function (event) {
      var box = svg.getBoundingClientRect(), inside = (event.clientX - box.left) / box.width * WIDTH;
      tell(Math.floor((inside - LEFT) / (WIDTH - LEFT - RIGHT) * shown.length));
    });
    refresh();
    holder.hidden = false;
  }
  document.querySelectorAll(".explorer-data").forEach(function (source) {
    var holder = source.previousElementSibling;
    if (holder && holder.hidden && !holder.firstChild) { start(holder, JSON.parse(source.textContent)); }
  });
}());
