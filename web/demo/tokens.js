// @ts-check
/**
 * Asking the server for its settings and for tokens.
 */

/**
 * What the server tells every page.
 *
 * @typedef {object} ClientConfig
 * @property {string} appId
 * @property {'development' | 'production'} mode
 * @property {string} tokenRoute a path with `{channel}`, `{role}` and `{uid}`
 * @property {boolean} tokenRouteOpen whether the route gives tokens to anyone
 */

/**
 * What a token is asked for.
 *
 * @typedef {object} Wish
 * @property {string} channel
 * @property {'speak' | 'listen'} role
 * @property {number} uid 0: any user
 * @property {number | null} life seconds; null: the server's default
 */

/** How long to wait for the server, in ms. */
const PATIENCE_MS = 10_000;

/** A failure to get a token, in words for the visitor. */
export class TokenProblem extends Error {
  /**
   * @param {string} message
   * @param {number} status of the answer; 0 when there was none
   */
  constructor(message, status = 0) {
    super(message);
    this.name = 'TokenProblem';
    this.status = status;
  }
}

/**
 * The path that gives a token.
 *
 * @param {string} route
 * @param {Wish} wish
 */
export function tokenPath(route, { channel, role, uid, life }) {
  /** @type {Record<string, string>} */
  const parts = { channel, role: role === 'speak' ? 'publisher' : 'subscriber', uid: String(uid) };
  const path = route.replace(/\{(channel|role|uid)\}/g, (_whole, name) => encodeURIComponent(parts[name] ?? ''));
  return life === null ? path : `${path}?expiry=${life}`;
}

/**
 * @param {string} route
 * @param {Wish} wish
 * @param {AbortSignal} [signal] gives up earlier
 * @returns {Promise<string>}
 * @throws {TokenProblem}
 */
export async function fetchToken(route, wish, signal) {
  const response = await ask(tokenPath(route, wish), 'The token server did not answer. Is the server running?', signal);
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new TokenProblem(wordsFor(response.status, body), response.status);
  if (typeof body?.rtcToken !== 'string') {
    throw new TokenProblem('The token server’s answer held no token.', response.status);
  }
  return body.rtcToken;
}

/**
 * @returns {Promise<ClientConfig>}
 * @throws {TokenProblem}
 */
export async function fetchConfig() {
  const response = await ask('/v1/client-config', 'The server did not answer. Is it running?');
  if (!response.ok) throw new TokenProblem(`The server gave no settings (HTTP ${response.status}).`, response.status);
  return response.json();
}

/**
 * @param {string} path
 * @param {string} silence what to say when nobody answers
 * @param {AbortSignal} [signal]
 */
async function ask(path, silence, signal) {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  try {
    return await fetch(path, {
      cache: 'no-store',
      headers: { accept: 'application/json' },
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new TokenProblem(silence);
  }
}

/**
 * The server's own words where it has some.
 *
 * @param {number} status
 * @param {any} body
 */
function wordsFor(status, body) {
  const said = [body?.message, body?.error, body?.error?.message].find((text) => typeof text === 'string' && text);
  if (status === 401 || status === 403) return said ?? 'This server gives tokens only to callers it knows.';
  if (status === 429) return said ?? 'Too many tokens were asked for. Wait a moment.';
  return `The token server refused: ${said ?? `HTTP ${status}`}`;
}
