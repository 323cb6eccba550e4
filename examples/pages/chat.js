// What others have written only ever becomes text (textContent), never markup.

const by = (id) => document.getElementById(id);
const [state, here, log, join, say] = ["state", "here", "log", "join", "say"].map(by);
const [nameField, textField, as] = ["name", "text", "as"].map(by);

/** The name we asked for, and the one we got. */
let asked = "";
let mine = "";
let socket = null;
/** Milliseconds until the next attempt; longer after each that fails. */
let pause = 500;

function show(word, text) {
  state.dataset.state = word;
  state.textContent = text;
  for (const field of [textField, say.querySelector("button")]) field.disabled = word !== "open";
}

/** A colour that is the same for the same name, readable on light and on dark. */
function paint(element, name) {
  let hue = 0;
  for (const letter of name) hue = (hue * 31 + letter.codePointAt(0)) % 360;
  element.style.setProperty(
    "--name",
    `light-dark(oklch(0.46 0.13 ${hue}), oklch(0.82 0.11 ${hue}))`,
  );
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function add(element) {
  // Who has scrolled up to read is left where they are.
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  log.append(element);
  while (log.childElementCount > 300) log.firstElementChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function addSaid({ name, text, at }) {
  const line = make("li", name === mine ? "mine" : "", "");
  const who = make("span", "who", name);
  paint(who, name);
  const time = make("time", "", new Date(at).toTimeString().slice(0, 5));
  time.dateTime = new Date(at).toISOString();
  line.append(who, time, make("p", "", text));
  add(line);
}

function showHere(names) {
  here.replaceChildren(...names.map((name) => {
    const tag = make("li", "", name);
    paint(tag, name);
    return tag;
  }));
  const count = names.length === 1 ? "only you here" : `${names.length} here`;
  show("open", mine === "" ? "connected" : count);
}

function heard(news) {
  switch (news.kind) {
    case "welcome":
      mine = news.name;
      pause = 500;
      log.replaceChildren();
      for (const line of news.said) addSaid(line);
      join.hidden = true;
      say.hidden = false;
      as.textContent = `Message, as ${mine}`;
      showHere(news.here);
      textField.focus();
      break;
    case "said":
      addSaid(news);
      break;
    case "came":
    case "left":
      add(make("li", "note", `${news.name} ${news.kind}`));
      showHere(news.here);
      break;
  }
}

function open() {
  show("connecting", "connecting");
  const address = new URL("/ws", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  socket = new WebSocket(address);
  socket.onopen = () => {
    show("open", "connected");
    if (asked !== "") socket.send(JSON.stringify({ name: asked }));
  };
  socket.onmessage = ({ data }) => heard(JSON.parse(data));
  socket.onclose = () => {
    show("closed", `not connected, trying again`);
    here.replaceChildren();
    setTimeout(open, pause);
    pause = Math.min(2 * pause, 8_000);
  };
}

join.addEventListener("submit", (event) => {
  event.preventDefault();
  asked = nameField.value.trim();
  if (asked !== "" && socket.readyState === WebSocket.OPEN) {
    socket.send(JSON.stringify({ name: asked }));
  }
});

say.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = textField.value.trim();
  if (text === "" || socket.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ text }));
  textField.value = "";
});

open();
