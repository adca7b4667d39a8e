// The API's description as a page: no outside host, no validator badge, nothing kept in the browser.
const place = document.getElementById("api");
window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.schema,
  deepLinking: true,
  // Groups, closed: with well over a hundred operations open at once the page stops drawing after the first few.
  docExpansion: "none",
  validatorUrl: null,
  persistAuthorization: false,
});
