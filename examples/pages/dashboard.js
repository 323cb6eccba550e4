// What the server tells only ever becomes text (textContent) and numbers, never markup.

const by = (id) => document.getElementById(id);
const percent = (share) => `${Math.round(share * 100)} %`;
const size = (bytes) =>
  bytes < 2 ** 30 ? `${Math.round(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`;

/** The looks that are shown, the latest last. */
let samples = [];
/** So many fit into a chart, which is as wide as what is there, but for the first few. */
const MOST = 120;
const LEAST = 30;
const width = () => Math.max(LEAST, samples.length);
/** The look that is read, counted from the end; 0 is the latest. */
let back = 0;
let paused = false;
let socket = null;
let pause = 500;

/**
 * The charts. `lines` gives the values of a look with their colours; `top` what the chart
 * reaches up to, at least; `mark` writes a value of its scale.
 */
const CHARTS = [
  {
    title: "Processors",
    top: 1,
    mark: percent,
    lines: ({ cpu, cores }) => [["blue area", cpu], ...cores.map((core) => ["blue thin", core])],
    value: ({ cpu }) => percent(cpu),
    more: ({ cores }) => cores.map((core, i) => ["blue", `cpu ${i}`, percent(core)]).slice(0, 8),
  },
  {
    title: "Memory in use",
    top: 1,
    mark: percent,
    lines: ({ memory }) => [["green area", memory.used / memory.total]],
    value: ({ memory }) => size(memory.used),
    more: ({ memory }) => [["", "of", size(memory.total)]],
  },
  {
    title: "Load",
    top: 1,
    mark: (load) => load.toFixed(load < 10 ? 1 : 0),
    lines: ({ load }) => [["amber", load[0]], ["rose", load[1]], ["violet", load[2]]],
    value: ({ load }) => load[0].toFixed(2),
    more: ({ load }) => [
      ["amber", "1 min", load[0].toFixed(2)],
      ["rose", "5 min", load[1].toFixed(2)],
      ["violet", "15 min", load[2].toFixed(2)],
    ],
  },
  {
    title: "Threads and sockets",
    top: 4,
    mark: (count) => String(Math.round(count)),
    lines: ({ threads, sockets }) => [["violet", threads], ["rose", sockets]],
    value: ({ threads }) => `${threads} ${threads === 1 ? "thread" : "threads"}`,
    more: ({ threads, sockets }) => [["violet", "threads", threads], ["rose", "sockets", sockets]],
  },
  {
    title: "Memory of this program",
    top: 10,
    mark: (mebibytes) => `${Math.round(mebibytes)} M`,
    lines: ({ own }) => [["green area", own / 2 ** 20]],
    value: ({ own }) => size(own),
    more: () => [["", "resident", ""]],
  },
];

function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function path(className, d) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", "path");
  element.setAttribute("class", className);
  element.setAttribute("d", d);
  return element;
}

/** The next of 1, 2, 4, 10, 20, ... that is no smaller: half of it is as short to write. */
function round(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 10].find((step) => step * unit >= value * 0.999) * unit;
}

/** Makes the card of a chart; gives what draws it. */
function card(chart) {
  const element = make("article", "card");
  const value = make("p", "value", "–");
  const more = make("p", "more");
  const plot = make("div", "plot");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const marks = [0, 50, 100].map((y) => {
    const mark = make("span");
    mark.style.top = `${y}%`;
    return mark;
  });
  plot.append(svg, ...marks);
  plot.tabIndex = 0;
  plot.setAttribute("role", "img");
  element.append(make("h2", "", chart.title), value, more, plot);
  by("charts").append(element);

  plot.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    read(Math.round((1 - (event.clientX - box.left) / box.width) * (width() - 1)));
  });
  plot.addEventListener("pointerleave", () => read(0));
  plot.addEventListener("blur", () => read(0));
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: 1, ArrowRight: -1, Home: Infinity, End: -Infinity }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    read(back + step);
  });

  return (sample) => {
    const drawn = samples.map(chart.lines);
    const most = Math.max(chart.top, ...drawn.flat().map(([, y]) => y));
    const top = round(most);
    const right = width() - 1;
    const left = right + 1 - samples.length;
    svg.setAttribute("viewBox", `0 0 ${right} 100`);
    const paths = [0, 50, 100].map((y) => path("grid", `M0 ${y}H${right}`));
    drawn[0].forEach(([className], line) => {
      const points = drawn.map((look, x) => `${left + x} ${100 - look[line][1] / top * 100}`);
      const shape = `M${points.join("L")}`;
      const [hue, kind] = className.split(" ");
      if (kind === "area") {
        paths.push(path(`${hue} area`, `${shape}L${right} 100L${left} 100Z`));
      }
      paths.push(path(kind === "thin" ? className : hue, shape));
    });
    if (back > 0) paths.push(path("cursor", `M${right - back} 0V100`));
    svg.replaceChildren(...paths);
    [top, top / 2, 0].forEach((y, i) => marks[i].textContent = chart.mark(y));
    value.textContent = chart.value(sample);
    more.replaceChildren(
      ...chart.more(sample).map(([hue, name, text]) => {
        const part = make("span", "", `${name} `);
        part.append(make("b", hue, String(text)));
        return part;
      }),
    );
    plot.setAttribute("aria-label", `${chart.title}: ${value.textContent}, ${more.textContent}`);
  };
}

const draws = CHARTS.map(card);

function draw() {
  const sample = samples.at(-1 - back);
  if (sample === undefined) return;
  for (const one of draws) one(sample);
  const time = new Date(sample.at).toTimeString().slice(0, 8);
  by("when").textContent = back > 0 ? `at ${time}` : paused ? `paused at ${time}` : time;
}

/** Reads the look so many steps back. */
function read(steps) {
  back = Math.max(0, Math.min(steps, samples.length - 1));
  draw();
}

function age(ms) {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3_600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3_600)} h`;
}

function showThreads(threads) {
  by("threads").replaceChildren(...threads.map(({ id, name, state, age: ms }) => {
    const row = make("tr");
    row.append(...[id, name, state, age(ms)].map((text) => make("td", "", String(text))));
    return row;
  }));
}

function heard(news) {
  if (news.kind === "past") {
    by("host").textContent = news.host;
    samples = news.samples;
  } else {
    if (paused) return;
    samples.push(news.sample);
    // Who reads the past keeps reading the same look.
    if (back > 0) back += 1;
    showThreads(news.threads);
  }
  samples.splice(0, samples.length - MOST);
  back = Math.min(back, samples.length - 1);
  draw();
}

by("pause").addEventListener("click", () => {
  paused = !paused;
  by("pause").setAttribute("aria-pressed", String(paused));
  by("pause").textContent = paused ? "Go on" : "Pause";
  draw();
});

function show(word, text) {
  by("state").dataset.state = word;
  by("state").textContent = text;
}

function open() {
  show("connecting", "connecting");
  const address = new URL("/ws", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  socket = new WebSocket(address);
  socket.onopen = () => {
    pause = 500;
    show("open", "live");
  };
  socket.onmessage = ({ data }) => heard(JSON.parse(data));
  socket.onclose = () => {
    show("closed", "away");
    setTimeout(open, pause);
    pause = Math.min(2 * pause, 8_000);
  };
}

open();
