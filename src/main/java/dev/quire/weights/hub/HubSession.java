package dev.quire.weights.hub;

/** What every step of one model's download needs. */
record HubSession(HubSettings settings, HubModel model, HubClient client, HubCache cache, DownloadProgress progress) {}
