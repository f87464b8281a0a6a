import ArgumentParser
import HTTPTransport
import ImageArchive
import OCIModel
import Registry
import SystemPackage

/// What a command needs to talk to a registry and to show what happens.
struct RegistryAccess: Sendable {
  let client: RegistryClient
  let progress: Progress

  /// Reads the user's configuration.
  ///
  /// `domain` is the registry that the user named, for which `--creds` counts. A `progress` that is given is shared with others.
  init(
    _ options: RegistryOptions, output: OutputOptions, domain: String,
    purpose: RegistriesConfiguration.Purpose = .pull, progress: Progress? = nil
  ) throws {
    let progress = progress ?? Progress(quiet: output.quiet)
    var configuration = try RegistryEnvironment(options).configuration(for: purpose, at: domain)
    configuration.userAgent = "cooper/\(Cooper.configuration.version)"
    configuration.report = { progress.say("cooper: \($0)") }
    client = RegistryClient(transport: CurlTransport(), configuration: configuration)
    self.progress = progress
  }
}

extension BlobCache {
  /// This user's cache: `$XDG_CACHE_HOME/cooper/blobs`, or below `~/.cache`.
  ///
  /// Without a usable one, a nameless place in `$TMPDIR`.
  init(_ environment: ProcessEnvironment) {
    let temporary = environment.temporaryDirectory
    let cache = environment.cacheDirectory.flatMap {
      try? BlobCache(at: $0.appending("blobs"), fallback: temporary)
    }
    self = cache ?? .nameless(in: temporary)
  }
}
