// Echoes, and sends to all what begins with "!"; on npm's ws, whose file is the argument.
const { WebSocketServer } = await import(process.argv[2]);

const server = new WebSocketServer({ host: "127.0.0.1", port: 0 }, () => {
  console.log(server.address().port);
});
server.on("connection", (socket) => {
  socket.on("message", (data, binary) => {
    if (!binary && data[0] === 0x21) {
      for (const other of server.clients) other.send(data, { binary });
    } else {
      socket.send(data, { binary });
    }
  });
});
