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
