/* Passkeys: asks the browser for one and sends its answer with the form the button stands in. Buttons stay hidden without it.

   data-passkey="login"    on a form with data-passkey-login: fetches what is to be signed, then sends
   data-passkey="get"      what is to be signed stands in #passkey-data
   data-passkey="create"   a new passkey by what stands in #passkey-data
   data-passkey="confirm"  in a fieldset with data-confirm: fetches what is to be signed, then sends the whole form */
"use strict";
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  function prepared(options) {
    const asked = { ...options.publicKey, challenge: bytes(options.publicKey.challenge) };
    for (const list of ["allowCredentials", "excludeCredentials"]) {
      if (asked[list]) asked[list] = asked[list].map((one) => ({ ...one, id: bytes(one.id) }));
    }
    if (asked.user) asked.user = { ...asked.user, id: bytes(asked.user.id) };
    return { publicKey: asked };
  }

  function answer(credential) {
    const response = { clientDataJSON: text(credential.response.clientDataJSON) };
    for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[part]) response[part] = text(credential.response[part]);
    }
    if (credential.response.getTransports) response.transports = credential.response.getTransports();
    return JSON.stringify({
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      authenticatorAttachment: credential.authenticatorAttachment,
      clientExtensionResults: credential.getClientExtensionResults(),
      response,
    });
  }

  const onPage = () => JSON.parse(document.getElementById("passkey-data").textContent);

  async function fetched(address, form, method) {
    const headers = { Accept: "application/json" };
    if (method === "POST") headers["X-CSRFToken"] = form.elements.csrfmiddlewaretoken.value;
    const response = await fetch(address, { method, headers, credentials: "same-origin" });
    if (!response.ok) throw new DOMException("no challenge", "NetworkError");
    return (await response.json()).request_options;
  }

  async function ask(button) {
    const form = button.form;
    switch (button.dataset.passkey) {
      case "create": {
        const options = prepared(onPage().creation_options);
        const alone = form.elements.passwordless && form.elements.passwordless.checked;
        options.publicKey.authenticatorSelection = {
          ...options.publicKey.authenticatorSelection,
          residentKey: alone ? "required" : "discouraged",
          requireResidentKey: Boolean(alone),
          ...(alone ? { userVerification: "required" } : {}),
        };
        return navigator.credentials.create(options);
      }
      case "login":
        return navigator.credentials.get(prepared(await fetched(form.dataset.passkeyLogin, form, "GET")));
      case "confirm":
        return navigator.credentials.get(prepared(await fetched(button.closest("[data-confirm]").dataset.confirm, form, "POST")));
      default:
        return navigator.credentials.get(prepared(onPage().request_options));
    }
  }

  function say(button, kind) {
    const place = (button.closest("fieldset, form") || document).querySelector("[data-passkey-problem]") || document.querySelector("[data-passkey-problem]");
    place.textContent = place.dataset[kind];
    place.hidden = false;
  }

  const kinds = { SecurityError: "host", InvalidStateError: "known", NotSupportedError: "unavailable" };
  for (const button of document.querySelectorAll("button[data-passkey]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      if (!window.PublicKeyCredential) return say(button, window.isSecureContext ? "unavailable" : "host");
      button.disabled = true;
      try {
        button.form.elements.credential.value = answer(await ask(button));
        // As if its own button had been pressed: what that button is called goes with the form.
        button.form.requestSubmit(button.form.querySelector('button:not([type="button"])') || undefined);
      } catch (error) {
        say(button, kinds[error.name] || "refused");
      } finally {
        button.disabled = false;
      }
      return undefined;
    });
  }
})();
