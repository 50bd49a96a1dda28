-- wrk sends what its script says. The script reads the request's body from the folder that wrk runs in.
local file = assert(io.open("stream.json"))
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = file:read("*a")
file:close()
