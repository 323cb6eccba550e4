-- Round trips of 64 bytes on lua-cqueues: PORT CONNECTIONS TRIPS, a round for each line of input.
local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local port, connections, trips = tonumber(arg[1]), tonumber(arg[2]), tonumber(arg[3])
local message = ("x"):rep(63) .. "\n"
local socks = {}
for n = 1, connections do
  local sock = assert(socket.connect { host = "127.0.0.1", port = port, nodelay = true })
  assert(sock:connect())
  sock:setmode("b", "bn")
  assert(sock:write("\1"))
  socks[n] = sock
end
print("ready")
io.stdout:flush()

for _ in io.lines() do
  local loop = cqueues.new()
  local begun = cqueues.monotime()
  for _, sock in ipairs(socks) do
    loop:wrap(function()
      for _ = 1, trips do
        sock:write(message)
        assert(#sock:read(64) == 64)
      end
    end)
  end
  assert(loop:loop())
  print(("%.9f"):format(cqueues.monotime() - begun))
  io.stdout:flush()
end
