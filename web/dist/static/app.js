// The app is not built yet.
