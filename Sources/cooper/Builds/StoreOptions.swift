import ArgumentParser

/// Where store paths are on this machine.
struct StoreOptions: ParsableArguments {
  @Option(
    name: .customLong("store-root"),
    help: ArgumentHelp(
      "What is put before /nix/store to find it. Default: the private store that NIX_REMOTE names, if it does.",
      valueName: "dir"))
  var givenRoot: String?

  @Flag(
    inversion: .prefixedNo,
    help: "Remember the digests of layers, so that the next image needs a single pass.")
  var layerCache = true

  /// The directory of a private store, or nothing.
  ///
  /// Nix takes a path, `local?root=PATH`, and names of daemons.
  var root: String {
    if let givenRoot { return givenRoot == "/" ? "" : givenRoot }
    guard let remote = ProcessEnvironment.current["NIX_REMOTE"] else { return "" }
    if remote.hasPrefix("/") { return remote }
    let local = "local?root="
    return remote.hasPrefix(local) ? String(remote.dropFirst(local.count).prefix { $0 != "&" }) : ""
  }
}
