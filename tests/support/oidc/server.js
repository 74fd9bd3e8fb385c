// A certified OpenID provider for the tests: anybody signs in with any password, and has the groups of their name.
// Usage: node server.js PORT HERALD_URL CLIENT_ID CLIENT_SECRET

import Provider from "oidc-provider";

const [port, herald, clientId, clientSecret] = process.argv.slice(2);
const GROUPS = { anna: ["ops", "staff"], boris: ["marketing"], vera: ["readers"], guest: ["visitors"] };

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: clientId,
    client_secret: clientSecret,
    redirect_uris: [`${herald}/sign-in/callback`],
    post_logout_redirect_uris: [`${herald}/`],
  }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
  // Herald reads the ID token alone.
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  cookies: { keys: ["of-tests-alone"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id, name: id, email: `${id}@example.org`, email_verified: true, ...(GROUPS[id] && { groups: GROUPS[id] }),
    }),
  }),
});

provider.listen(Number(port), "127.0.0.1", () => process.stdout.write("ready\n"));
