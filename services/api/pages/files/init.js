// Starts Swagger UI on the document of this installation. Nothing is fetched from anywhere else.
SwaggerUIBundle({
  url: "../openapi.json",
  dom_id: "#swagger-ui",
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  // The validator is somebody else's server.
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
