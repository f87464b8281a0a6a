import ImageBuild
import NixStore
import SystemPackage

/// Makes the image with the build environment of a derivation.
struct ShellBuild {
  let spec: ShellSpec
  let store: StoreOptions
  let registry: RegistryOptions
  let messages: OutputOptions

  /// The layered image that it is; what the derivation needs is built or fetched for that.
  func layered() async throws -> LayeredBuild {
    let storeDirectory = SpecBuild.storeDirectory
    // Derivations are in the store, which may be a private one.
    let path = spec.derivation.string
    let file = FilePath(path.hasPrefix(storeDirectory + "/") ? store.root + path : path)
    let derivation = try DerivationFile(file, storeDirectory: storeDirectory).derivation
    let environment: BuildEnvironment
    do {
      environment = try BuildEnvironment(
        of: derivation, spec: spec, storeDirectory: storeDirectory)
    } catch let error as BuildEnvironmentError {
      throw UnusableDerivation(file: file.string, reason: error)
    }
    var layered: LayeredSpec
    do {
      layered = try spec.layered(environment, now: BuildClock.now())
    } catch let error as SpecError {
      throw UsageError("\(file): \(error)")
    }
    let surroundings = SpecBuild(
      spec: layered.common, store: store, registry: registry, messages: messages)
    let roots = Set(try await surroundings.inputs(of: derivation) + environment.packages).sorted()
    let closure = try await surroundings.closure(of: roots)
    if let coreutils = spec.coreutils ?? Self.coreutils(in: closure)?.description {
      layered.contents.append(.helper(.usrBinEnv, FilePath(coreutils)))
    } else {
      surroundings.warn(
        "the derivation needs no coreutils, so the image has no /usr/bin/env; “coreutils” names a package with one"
      )
    }
    return LayeredBuild(
      spec: layered, store: store, registry: registry, messages: messages,
      additions: LayeredAdditions(trees: environment.trees, mentioned: roots, closure: closure))
  }

  /// The package with `env`, by its name in nixpkgs; of several the first, so that it is always the same.
  private static func coreutils(in closure: Closure) -> StorePath? {
    closure.nodes.map(\.path).filter { $0.name.split(separator: "-").first == "coreutils" }.min()
  }
}
