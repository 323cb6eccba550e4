// An HTTP server on node:http: text at /, JSON at /json; says its port.
import http from "node:http";

const item = { message: "x".repeat(1_000), n: 1 };

const server = http.createServer((request, response) => {
  if (request.url === "/json") {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(item));
  } else {
    response.end("hello world");
  }
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
