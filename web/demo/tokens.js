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
 * @param {{ credential?: string, signal?: AbortSignal }} [options] who asks; what gives up earlier
 * @returns {Promise<string>}
 * @throws {TokenProblem}
 */
export async function fetchToken(route, wish, { credential = '', signal } = {}) {
  // Other signs cannot stand in a header, and no credential has any.
  if (/[^\x21-\x7e]/.test(credential)) throw new TokenProblem('Your login holds signs that no JWT and no API key has.');
  const response = await ask(tokenPath(route, wish), 'The token server did not answer. Is the server running?', {
    signal,
    headers: credential ? { authorization: `Bearer ${credential}` } : {},
  });
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new TokenProblem(refusalWords(response.status, body, credential !== ''), response.status);
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
 * @param {{ signal?: AbortSignal | undefined, headers?: Record<string, string> }} [options]
 */
async function ask(path, silence, { signal, headers } = {}) {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  try {
    return await fetch(path, {
      cache: 'no-store',
      headers: { accept: 'application/json', ...headers },
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new TokenProblem(silence);
  }
}

/**
 * What a refusal means to the visitor, with the server's own words where it has some.
 *
 * @param {number} status
 * @param {any} body
 * @param {boolean} hasLogin whether a credential was shown
 */
export function refusalWords(status, body, hasLogin) {
  const said = [body?.message, body?.error, body?.error?.message].find((text) => typeof text === 'string' && text);
  const because = said ? `: ${said}` : '';
  if (status === 401) return hasLogin ? `Your login was not accepted${because}.` : NEEDS_LOGIN;
  if (status === 403) return hasLogin ? `Your login does not allow this${because}.` : NEEDS_LOGIN;
  if (status === 429) return said ?? 'Too many tokens were asked for. Wait a moment.';
  return `The token server refused: ${said ?? `HTTP ${status}`}`;
}

/** For a visitor whom the server does not know. */
export const NEEDS_LOGIN =
  'This server gives tokens only to callers it knows. Enter your login, or paste a token from your app.';
