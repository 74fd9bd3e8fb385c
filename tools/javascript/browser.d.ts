// What the pages use of the browser and of Swagger UI beyond TypeScript's own declarations.

interface Window {
  // Chromium has it, other browsers do not.
  showSaveFilePicker?: (options: { suggestedName: string }) => Promise<FileSystemFileHandle>;
}

declare const SwaggerUIBundle: {
  (options: Record<string, unknown>): unknown;
  presets: { apis: unknown };
};
