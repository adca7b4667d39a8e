// The API's description as a page: no outside host, no validator badge, nothing kept in the browser.
const place = document.getElementById("api");
window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.schema,
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
});
