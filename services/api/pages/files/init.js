// Swagger UI has a dark scheme, and leaves it to the page when it applies.
const dark = matchMedia("(prefers-color-scheme: dark)");
const followScheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followScheme);
followScheme();

// Starts Swagger UI on the document of this installation. Nothing comes from another server.
SwaggerUIBundle({
  url: "../openapi.json",
  dom_id: "#swagger-ui",
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  // The default validator would send the document to another server.
  validatorUrl: null,
  deepLinking: true,
  docExpansion: "list",
  filter: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  // A token is forgotten when the page is closed: the browser's storage would keep it in the clear.
  persistAuthorization: false,
});

// Two faults of Swagger UI for those who hear the page: a link inside of a button, and a select without a name.
const shown = /** @type {HTMLElement} */ (document.getElementById("swagger-ui"));
new MutationObserver(() => {
  for (const link of shown.querySelectorAll(".opblock-summary-control a[href]")) {
    link.removeAttribute("href");
  }
  shown.querySelector("#servers")?.setAttribute("aria-label", "Server");
}).observe(shown, { childList: true, subtree: true });
