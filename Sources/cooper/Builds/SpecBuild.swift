import ArchiveIO
import Glibc
import ImageArchive
import ImageBuild
import NixStore
import OCIModel
import OrderedJSON
import SystemPackage

/// What building an image from a spec of any kind takes from this machine: the base image, the store, and what `nix-store` knows of it.
struct SpecBuild {
  let spec: BuildSpec
  let store: StoreOptions
  let registry: RegistryOptions
  let messages: OutputOptions

  /// `/nix/store`, unless the user has another one.
  static var storeDirectory: String {
    ProcessEnvironment.current["NIX_STORE_DIR"] ?? StorePath.defaultStoreDirectory
  }

  /// The same.
  var storeDirectory: String { Self.storeDirectory }

  /// Tells what is allowed and probably wrong in the spec.
  func check() { spec.warnings.forEach(warn) }

  /// The runtime configuration of an image on that base.
  func config(on base: BaseImage?) -> JSONObject {
    base?.inherit(by: spec.runtimeConfig, everything: spec.inheritance == .all) ?? spec.runtimeConfig
  }

  func warn(_ text: String) {
    if !messages.quiet { Console.error("cooper: warning: \(text)") }
  }

  // MARK: Base

  func baseImage() async throws -> BaseImage? {
    guard let location = spec.base else { return nil }
    var text = location.resolved { access($0.string, F_OK) == 0 }
    if (spec.baseName == nil) != (spec.baseTag == nil) {
      warn(
        "“fromImageName” and “fromImageTag” choose an image only together; the first one of the archive is taken"
      )
    } else if let name = spec.baseName, let tag = spec.baseTag {
      guard !text.hasPrefix("docker://"), !text.contains("@") else {
        throw UsageError("“fromImageName” chooses an image of an archive, and “fromImage” is \(text)")
      }
      text = Self.archive(text, choosing: "\(name):\(tag)")
    }
    let opened = try await OpenedImage(
      text, registry: registry, progress: messages, cache: BlobCache(.current), takingFirst: true)
    let platform = PlatformRequest(os: "linux", architecture: spec.architecture, variant: spec.variant)
    return try await BaseImage(opened.image(for: platform), name: text)
  }

  /// The image of that name in an archive.
  private static func archive(_ location: String, choosing name: String) -> String {
    location.hasPrefix("docker-archive:") ? "\(location):\(name)" : "docker-archive:\(location):\(name)"
  }

  // MARK: Store paths

  /// The graph of a big closure has tens of megabytes.
  private static let graphLimit = 256 << 20

  var references: StoreReferences { StoreReferences(storeDirectory: storeDirectory) }

  private var storeRoot: FilePath { FilePath(store.root.isEmpty ? "/" : store.root) }

  /// Whether there is such a path; one that is a link to nothing is one too.
  func exists(_ path: StorePath) -> Bool {
    faccessat(AT_FDCWD, path.location(below: storeRoot).string, F_OK, AT_SYMLINK_NOFOLLOW) == 0
  }

  /// The store paths that the configuration speaks of.
  func mentioned() -> [StorePath] {
    references.find(in: JSONValue.object(spec.runtimeConfig).serialized(), exists: exists)
  }

  /// `nix-store`, where it is installed.
  private static var storeProgram: NixStoreProgram? {
    NixStoreProgram(searching: ProcessEnvironment.current["PATH"] ?? "")
  }

  /// The store paths that a derivation is built from: those that Nix builds or fetches, or, when there is no Nix to ask or a file has the reference
  /// graph, those that are there already.
  func inputs(of derivation: Derivation) async throws -> [StorePath] {
    let built =
      if spec.closure == nil, let program = Self.storeProgram {
        try await program.realise(derivation.inputDerivations, quietly: messages.quiet)
      } else {
        try derivation.inputDerivations.flatMap(outputsOnDisk)
      }
    return derivation.inputSources + built
  }

  private func outputsOnDisk(of input: Derivation.Input) throws -> [StorePath] {
    let file = try DerivationFile(input.derivation.location(below: storeRoot), storeDirectory: storeDirectory)
    return try input.outputs.map { name in
      guard let path = file.derivation.outputs.first(where: { $0.name == name })?.path, exists(path) else {
        throw UsageError(
          "the output “\(name)” of \(input.derivation) is not in the store; build it first: nix-store --realise '\(input.derivation)!\(name)'"
        )
      }
      return path
    }
  }

  /// The closure of these paths, whether the image has them or not.
  func closure(of paths: [StorePath]) async throws -> Closure {
    let roots = Set(paths).sorted()
    guard let first = roots.first else { return try Closure([]) }
    if let file = spec.closure {
      let text = try FileRange(whole: DirectFile(reading: file)).readAll(limit: Self.graphLimit)
      do {
        return try Closure(parsing: text).closure(of: roots)
      } catch {
        throw UnusableClosure(file: file.string, reason: error)
      }
    }
    guard let program = Self.storeProgram else {
      throw UsageError(
        "the image needs the closure of \(first), and there is no nix-store to ask; give “closure” a file with its reference graph"
      )
    }
    return try await program.closure(of: roots)
  }

  /// Puts a Nix database of the closure of `roots` into a tree.
  func addDatabase(of roots: [StorePath], to tree: inout FileTree) async throws {
    let closure = try await closure(of: roots).measured(below: storeRoot)
    for member in try NixDatabase(closure, roots: roots).members {
      switch member.content {
      case .file(let bytes): tree.put(.file(bytes, mode: 0o644), at: member.path)
      case .symlink(let target): tree.put(.link(target: Array(target.utf8), source: nil), at: member.path)
      }
    }
  }
}

/// Something that makes images of one kind of spec.
protocol SpecBuilder {
  associatedtype Spec: KindOfSpec
  var spec: Spec { get }
  var store: StoreOptions { get }
  var registry: RegistryOptions { get }
  var messages: OutputOptions { get }
}

extension SpecBuilder {
  /// What building takes from this machine.
  var surroundings: SpecBuild {
    SpecBuild(spec: spec.common, store: store, registry: registry, messages: messages)
  }

  var storeDirectory: String { surroundings.storeDirectory }
}
