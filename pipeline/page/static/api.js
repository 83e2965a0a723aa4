// Requests to the page's API; a POST carries the page's token.

const token = document.querySelector('meta[name="csrf-token"]').content;

export class ApiError extends Error {
  constructor(status, problem, remedy) {
    super(problem);
    this.status = status;
    this.remedy = remedy;
  }
}

export async function get(path) {
  return answered(await reached(fetch(path, { headers: { Accept: "application/json" } })));
}

export async function post(path, body = {}) {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": token };
  return answered(await reached(fetch(path, { method: "POST", headers, body: JSON.stringify(body) })));
}

async function reached(request) {
  try {
    return await request;
  } catch {
    throw new ApiError(0, "The page's server does not answer.", "Start it again: python -m pipeline page");
  }
}

async function answered(response) {
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  const problem = body.problem ?? (typeof body.detail === "string" ? body.detail : `The server answered ${response.status}.`);
  const remedy = response.status === 403 ? "The server may have been restarted. Reload the page." : body.remedy ?? "";
  throw new ApiError(response.status, problem, remedy);
}
