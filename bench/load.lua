-- What wrk sends, and what it says afterwards. The argument is a file made by bench/run: its first line is
-- "METHOD path", every further line "address body": one request each, sent in this order.
local requests, sent = {}, 0

function init(args)
   local file = assert(io.open(args[1]))
   local method, path = file:read("l"):match("^(%S+) (%S+)$")
   for line in file:lines() do
      local address, body = line:match("^(%S+) ?(.*)$")
      local headers = { ["Host"] = "127.0.0.1", ["X-Forwarded-For"] = address }
      if body ~= "" then
         headers["Content-Type"] = "application/x-www-form-urlencoded"
      end
      requests[#requests + 1] = wrk.format(method, path, headers, body ~= "" and body or nil)
   end
   file:close()
   print(string.format("SETUP %d", os.clock() * 1e6)) -- processor time that is no request's
end

function request()
   sent = sent + 1
   return requests[(sent - 1) % #requests + 1]
end

function done(summary, latency)
   local e = summary.errors
   print(string.format('RESULT {"requests":%d,"us":%d,"p50_us":%d,"p99_us":%d,"status":%d,"socket":%d}',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), e.status,
      e.connect + e.read + e.write + e.timeout))
end
