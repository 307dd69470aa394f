// The page's way to the desk.

export async function get(path) {
  const response = await fetch(`/trial/api/${path}`, { cache: "no-store" });
  if (!response.ok) throw new Error(`${response.status}`);
  return response.json();
}

export async function post(path, body) {
  const response = await fetch(`/trial/api/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? `${response.status}`);
  return answer;
}

export const fileUrl = (id) => `/trial/api/file/${encodeURIComponent(id)}`;

/** A picked picture as base64, as JSON wants it. */
export async function encoded(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let binary = "";
  for (let at = 0; at < bytes.length; at += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(binary);
}
