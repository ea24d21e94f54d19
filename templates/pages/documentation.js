"use strict";
// Shows the API's own description. Nothing is sent to a validator of somebody else.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#documentation",
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
});
