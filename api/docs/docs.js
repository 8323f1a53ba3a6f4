// Starts the renderer (redoc.standalone.js) with the server's OpenAPI document.
(function () {
  "use strict";

  const documentURL = new URL("api/v1/openapi.json", location.href).pathname;
  const root = document.getElementById("reference");

  function fail() {
    const main = document.createElement("main");
    const p = document.createElement("p");
    p.className = "failure";
    const a = document.createElement("a");
    a.href = documentURL;
    a.textContent = documentURL;
    p.append("The API reference failed to load. The OpenAPI document is at ", a, ".");
    main.append(p);
    // Replace root itself: the renderer still removes its children.
    root.replaceWith(main);
  }

  if (typeof Redoc === "undefined") {
    fail();
    return;
  }

  // The renderer's credit line ("API docs by Redocly") loads a logo from its
  // vendor's host, and no option disables that. This page must not contact
  // other hosts, so an image's source is set only for this origin and for data:
  // URLs. Any other image gets an error event, as if offline, and the renderer
  // removes it; the credit's text and link remain. The Content-Security-Policy
  // would block the request as well, but log an error in every console.
  const image = HTMLImageElement.prototype;
  const setAttribute = Element.prototype.setAttribute;
  const src = Object.getOwnPropertyDescriptor(image, "src");

  function setSource(img, value) {
    const url = new URL(value, location.href);
    if (url.protocol === "data:" || url.origin === location.origin) {
      setAttribute.call(img, "src", value);
    } else {
      setTimeout(() => img.dispatchEvent(new Event("error")));
    }
  }

  Object.defineProperty(image, "src", {
    ...src,
    set(value) {
      setSource(this, value);
    },
  });
  image.setAttribute = function (name, value) {
    if (name.toLowerCase() === "src") {
      setSource(this, value);
    } else {
      setAttribute.call(this, name, value);
    }
  };

  const systemFont = "system-ui, sans-serif";
  const codeFont = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace";
  const typography = {
    fontFamily: systemFont,
    headings: { fontFamily: systemFont },
    code: { fontFamily: codeFont },
  };
  const light = {
    typography,
    colors: { primary: { main: "#0b5cad" }, text: { primary: "#1f2933" } },
  };
  const dark = {
    typography: {
      ...typography,
      code: { fontFamily: codeFont, color: "#ffb4a8", backgroundColor: "#232a32" },
      links: { color: "#7db8f5", hover: "#a8d0fa", visited: "#7db8f5" },
    },
    colors: {
      primary: { main: "#7db8f5" },
      success: { main: "#5cc77a" },
      warning: { main: "#e0b050" },
      error: { main: "#ff8a80" },
      gray: { 50: "#1b2127", 100: "#232a32" },
      text: { primary: "#dde3ea", secondary: "#a9b4c0" },
      border: { dark: "#3a444f", light: "#2a323b" },
      responses: {
        success: { color: "#5cc77a", backgroundColor: "#16281c", tabTextColor: "#5cc77a" },
        error: { color: "#ff8a80", backgroundColor: "#2e1b1c", tabTextColor: "#ff8a80" },
        redirect: { color: "#e0b050", backgroundColor: "#2b2416", tabTextColor: "#e0b050" },
        info: { color: "#7db8f5", backgroundColor: "#16242f", tabTextColor: "#7db8f5" },
      },
    },
    schema: {
      linesColor: "#56687a",
      nestedBackground: "#1b2127",
      typeNameColor: "#a9b4c0",
      typeTitleColor: "#a9b4c0",
      requireLabelColor: "#ff8a80",
    },
    sidebar: { backgroundColor: "#1b2127", textColor: "#dde3ea", activeTextColor: "#7db8f5" },
    rightPanel: {
      backgroundColor: "#0e1216",
      servers: {
        overlay: { backgroundColor: "#232a32", textColor: "#dde3ea" },
        url: { backgroundColor: "#14181d" },
      },
    },
    codeBlock: { backgroundColor: "#1b2127" },
    fab: { backgroundColor: "#232a32", color: "#7db8f5" },
  };

  const scheme = matchMedia("(prefers-color-scheme: dark)");
  // The renderer reads its colours only once, at the start.
  scheme.addEventListener("change", () => location.reload());

  // The renderer takes a minute for thousands of rows. So the page has no operators, which are the same for each column
  // and which the introduction lists, and one row for all problems of an operation.
  function shorten(openapi) {
    for (const path of Object.values(openapi.paths)) {
      for (const operation of Object.values(path)) {
        operation.parameters = (operation.parameters || []).filter((p) => !(p.$ref || "").includes("__"));
        mergeProblems(operation.responses, openapi.components.responses.Problem);
      }
    }
    for (const name of Object.keys(openapi.components.parameters)) {
      if (name.includes("__")) {
        delete openapi.components.parameters[name];
      }
    }
    return openapi;
  }

  function mergeProblems(responses, problem) {
    const statuses = Object.keys(responses).filter((status) => (responses[status].$ref || "").endsWith("/Problem"));
    for (const status of statuses) {
      delete responses[status];
    }
    if (statuses.length > 0) {
      responses.default = { ...problem, description: `${statuses.join(", ")}: ${problem.description}` };
    }
  }

  async function render() {
    const response = await fetch(documentURL);
    if (!response.ok) {
      throw new Error(response.statusText);
    }
    const options = {
      downloadDefinitionUrl: documentURL,
      theme: scheme.matches ? dark : light,
      nativeScrollbars: true,
      requiredPropsFirst: true,
      jsonSamplesExpandLevel: "all",
      sanitize: true,
    };
    Redoc.init(shorten(await response.json()), options, root, (err) => {
      if (err) {
        fail();
      }
    });
  }

  render().catch(fail);
})();
