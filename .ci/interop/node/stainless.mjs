// What the SDKs that Stainless generates have in common, for drive.mjs.

// options are the options of a request for a call.
export function options(call) {
  const all = { headers: call.headers, maxRetries: call.retries ?? 0 };
  if (call.timeout_ms) all.timeout = call.timeout_ms;
  return all;
}

// reply waits for the head of a response.
export async function reply(promise) {
  const { data, response } = await promise.withResponse();
  return { data, headers: Object.fromEntries(response.headers) };
}
