// An OpenID Provider for live tests: the certified npm oidc-provider, with consent given by itself.
//
// It says its issuer URL on standard output as one JSON line, and ends when standard input does. People are
// who the test says: `login_hint` is the subject, <subject>@example.test the address, verified unless
// the subject begins with "unverified-". With a resource the access token is a JWT (RFC 9068), without one
// it is opaque; with the scope "brief" it lives for BRIEF_SECONDS, with "brief-once" only the first one does, and not
// those that it is refreshed to. POST /test/rotate gives it a new signing key, with or without the old one beside it;
// GET /test/counts says how often each path was asked for.
//
// With CLICKED=1 it shows pages instead: one to say who one is, one to agree or refuse, for a person in a browser.
// Gmail and Outlook ask in their own ways, and so does it: access_type and prompt=select_account mean something.

import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { Provider, interactionPolicy } from 'oidc-provider';

const SCOPES = ['openid', 'offline_access', 'email', 'profile', 'imap', 'pop3', 'smtp', 'api:read', 'api:write',
  'IMAP.AccessAsUser.All', 'brief', 'brief-once', 'https://mail.google.com/',
  'https://outlook.office.com/IMAP.AccessAsUser.All', 'https://outlook.office.com/SMTP.Send'];
const CLICKED = process.env.CLICKED === '1';
const BRIEF_SECONDS = 5;
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
  const { AuthorizationCode, RefreshToken, DeviceCode } = ctx.oidc.entities;
  const code = AuthorizationCode ?? RefreshToken ?? DeviceCode;
  const brief = code?.scopes.has('brief') || (!RefreshToken && code?.scopes.has('brief-once'));
  return brief ? BRIEF_SECONDS : LONG_SECONDS;
}

function claimsOf(sub) {
  return {
    sub, name: `Name of ${sub}`, email: `${sub}@example.test`, email_verified: !sub.startsWith('unverified-'),
  };
}

function policy() {
  const { base, Prompt } = interactionPolicy;
  const made = base();
  made.add(new Prompt({ name: 'select_account', requestable: true }), 0);
  return made;
}

const PAGES = {
  login: '<label>Who are you? <input id="login" name="login"></label> <button>Continue</button>',
  consent: '<button>Allow</button> <button name="refused" value="yes">Refuse</button>',
};
PAGES.select_account = PAGES.login;

async function show(ctx) {
  const { prompt } = await provider.interactionDetails(ctx.req, ctx.res);
  ctx.type = 'html';
  ctx.body = `<!doctype html><link rel="icon" href="data:,"><title>${prompt.name}</title><form method="post"><h1>${prompt.name}</h1>${PAGES[prompt.name]}</form>`;
}

async function submitted(ctx) {
  let body = '';
  for await (const piece of ctx.req) body += piece;
  return new URLSearchParams(body);
}

async function consent(ctx, form) {
  const { prompt, params, session } = await provider.interactionDetails(ctx.req, ctx.res);
  const accountId = form?.get('login') ?? params.login_hint ?? 'somebody';
  if (form?.has('refused')) {
    return { error: 'access_denied', error_description: 'The person refused.' };
  }
  if (prompt.name === 'login' || prompt.name === 'select_account') {
    return { [prompt.name]: {}, login: { accountId } };
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
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
        application_type: 'native' },
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
    interactions: { policy: policy(), url: (ctx, interaction) => `/test/consent/${interaction.uid}` },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      deviceFlow: { enabled: true },
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
    await next();
    if (ctx.body?.device_code) ctx.body.interval = 1; // RFC 8628 section 3.2: otherwise it is 5 seconds
  });
  made.use(async (ctx, next) => {
    if (!ctx.path.startsWith('/test/consent/')) return next();
    if (CLICKED && ctx.method === 'GET') return show(ctx);
    const form = CLICKED ? await submitted(ctx) : undefined;
    await made.interactionFinished(ctx.req, ctx.res, await consent(ctx, form), { mergeWithLastSubmission: true });
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
