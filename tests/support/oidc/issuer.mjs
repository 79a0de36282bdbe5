// An OpenID Provider for live tests: the certified npm oidc-provider, with consent given by itself.
//
// It says its issuer URL on standard output as one JSON line, and ends when standard input does. People are
// who the test says: `login_hint` is the subject, <subject>@example.test the address, verified unless
// the subject begins with "unverified-". With a resource the access token is a JWT (RFC 9068), without one
// it is opaque; with the scope "brief" it lives for BRIEF_SECONDS. POST /test/rotate gives it a new signing key, with or without the old one beside it;
// GET /test/counts says how often each path was asked for.

import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { Provider } from 'oidc-provider';

const SCOPES = ['openid', 'offline_access', 'email', 'profile', 'imap', 'pop3', 'smtp', 'api:read', 'api:write',
  'IMAP.AccessAsUser.All', 'brief'];
const BRIEF_SECONDS = 6;
const LONG_SECONDS = 600;
const RESOURCE = 'urn:mailkeep';
const [clientSecret, redirectUri] = [process.env.CLIENT_SECRET, process.env.REDIRECT_URI];

let serial = 0;
let keys = [newKey()];
let provider;
const counts = {};

function newKey() {
  const jwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  serial += 1;
  return { ...jwk, kid: `key-${serial}`, use: 'sig', alg: 'RS256' };
}

function lifeOf(ctx) {
  const code = ctx.oidc.entities.AuthorizationCode ?? ctx.oidc.entities.RefreshToken;
  return code?.scopes.has('brief') ? BRIEF_SECONDS : LONG_SECONDS;
}

function claimsOf(sub) {
  return {
    sub, name: `Name of ${sub}`, email: `${sub}@example.test`, email_verified: !sub.startsWith('unverified-'),
  };
}

async function consent(ctx) {
  const { prompt, params, session } = await provider.interactionDetails(ctx.req, ctx.res);
  if (prompt.name === 'login') {
    return { login: { accountId: params.login_hint } };
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  grant.addResourceScope(RESOURCE, params.scope);
  return { consent: { grantId: await grant.save() } };
}

function newProvider(issuer) {
  const made = new Provider(issuer, {
    clients: [
      { client_id: 'mail-app', token_endpoint_auth_method: 'none', redirect_uris: [redirectUri, 'http://127.0.0.1/oauth/callback'],
        grant_types: ['authorization_code', 'refresh_token'], application_type: 'native' },
      { client_id: 'mailkeep', client_secret: clientSecret, redirect_uris: [],
        grant_types: [], response_types: [] },
    ],
    jwks: { keys },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    scopes: SCOPES,
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    ttl: { AccessToken: (ctx, token) => token.resourceServer?.accessTokenTTL ?? lifeOf(ctx), Grant: 3600, Session: 3600,
      Interaction: 600, IdToken: 600, RefreshToken: 3600 },
    findAccount: (ctx, sub) => ({ accountId: sub, claims: () => claimsOf(sub) }),
    extraTokenClaims: (ctx, token) => (token.aud ? claimsOf(token.accountId) : undefined),
    interactions: { url: (ctx, interaction) => `/test/consent/${interaction.uid}` },
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx) => ({
          scope: SCOPES.join(' '), audience: RESOURCE, accessTokenFormat: 'jwt', accessTokenTTL: lifeOf(ctx),
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
  made.use(async (ctx, next) => {
    if (!ctx.path.startsWith('/test/consent/')) return next();
    await made.interactionFinished(ctx.req, ctx.res, await consent(ctx), { mergeWithLastSubmission: true });
    ctx.respond = false;
    return undefined;
  });
  return made;
}

function control(request, response, issuer) {
  if (request.url === '/test/counts') {
    response.end(JSON.stringify(counts));
    return;
  }
  keys = request.url === '/test/rotate?keep' ? [newKey(), ...keys] : [newKey()];
  provider = newProvider(issuer);
  response.end('{}');
}

const server = createServer((request, response) => {
  const path = request.url.split('?')[0];
  counts[path] = (counts[path] ?? 0) + 1;
  const issuer = `http://127.0.0.1:${server.address().port}`;
  if (path === '/test/rotate' || path === '/test/counts') {
    control(request, response, issuer);
  } else {
    provider.callback()(request, response);
  }
});
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  provider = newProvider(issuer);
  process.stdout.write(`${JSON.stringify({ issuer })}\n`);
});
process.stdin.on('end', () => process.exit(0)).resume();
