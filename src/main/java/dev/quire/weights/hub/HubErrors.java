package dev.quire.weights.hub;

import java.net.http.HttpResponse;

/** Turns a hub's refusal into one line that says what to do. */
final class HubErrors {
    private HubErrors() {}

    static HubException of(HubModel model, HubSettings settings, HttpResponse<?> reply) {
        String code = reply.headers().firstValue("X-Error-Code").orElse("");
        int status = reply.statusCode();
        String page = settings.endpoint() + "/" + model.id();
        boolean hasToken = settings.token().isPresent();
        String text =
                switch (status) {
                    case 401, 403 ->
                        code.equals("GatedRepo")
                                ? gated(model, page, hasToken)
                                : status == 401 && hasToken
                                        ? model.id() + " does not exist at " + settings.endpoint()
                                                + ", or the token in HF_TOKEN is not valid or may not read it"
                                        : status == 401
                                                ? model.id() + " does not exist at " + settings.endpoint()
                                                        + ", or is private or gated: check the name, or set HF_TOKEN"
                                                : "no access to " + model.id() + " (HTTP 403): "
                                                        + (hasToken
                                                                ? "see " + page + " for its terms"
                                                                : "set HF_TOKEN");
                    case 404 ->
                        code.equals("RevisionNotFound")
                                ? "revision '" + model.revision() + "' of " + model.id() + " does not exist at "
                                        + settings.endpoint()
                                : "model " + model + " or a file of it does not exist at " + settings.endpoint()
                                        + " (HTTP 404)";
                    default -> settings.endpoint() + " answered HTTP " + status + " for " + model;
                };
        return new HubException(text, null, status == 429 || status >= 500);
    }

    private static String gated(HubModel model, String page, boolean hasToken) {
        return model.id() + " is gated: accept its terms at " + page
                + (hasToken ? " with the account of your HF_TOKEN" : " and set HF_TOKEN");
    }
}
