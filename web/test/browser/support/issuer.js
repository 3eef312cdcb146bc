// @ts-check
/** A login of the test's own: it signs JWTs with a key that it has just made, and publishes the key on this machine. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

export class Issuer {
  #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  #server = createServer((request, response) => {
    const body = { '/.well-known/openid-configuration': this.#description, '/keys': this.#jwks }[request.url ?? ''];
    response.writeHead(body ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? {}));
  });

  async start() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get url() {
    const { port } = /** @type {import('node:net').AddressInfo} */ (this.#server.address());
    return `http://127.0.0.1:${port}`;
  }

  /** @param {Record<string, unknown>} claims */
  jwt(claims) {
    const now = Math.floor(Date.now() / 1000);
    const payload = { iss: this.url, aud: 'token-server', iat: now, exp: now + 600, ...claims };
    const signed = [{ alg: 'ES256', kid: 'one', typ: 'JWT' }, payload].map(encoded).join('.');
    const signature = sign('sha256', Buffer.from(signed), { key: this.#keys.privateKey, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get #description() {
    return { issuer: this.url, jwks_uri: `${this.url}/keys` };
  }

  get #jwks() {
    return { keys: [{ ...this.#keys.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256', use: 'sig' }] };
  }
}

/** @param {object} part */
const encoded = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
