-- An echo server by lines on lua-cqueues; says its port.
local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local loop = cqueues.new()
local server = socket.listen { host = "127.0.0.1", port = 0, nodelay = true }
server:listen()
local _, _, port = server:localname()
print(port)
io.stdout:flush()

loop:wrap(function()
  for client in server:clients() do
    client:setmode("b", "bn")
    loop:wrap(function()
      for line in client:lines("*L") do
        if not client:write(line) then break end
        client:flush()
      end
      client:close()
    end)
  end
end)
loop:loop()
