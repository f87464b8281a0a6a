// swift-tools-version: 6.2

import PackageDescription

#if canImport(Glibc)
  import Glibc
#endif

// ISA-L inflates two and a half times as fast as zlib (measured: README, "Speed"), and is only packaged for
// x86-64 and arm64. Elsewhere gzip is read through libarchive.
let hasISAL = access("/usr/include/isa-l.h", R_OK) == 0

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")

/// A library target with the package's settings.
func library(
  _ name: String, _ dependencies: [Target.Dependency], settings more: [SwiftSetting] = []
) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings + more)
}

/// The tests of one target, in a directory of the same name.
func tests(of name: String, _ more: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: name + "Tests", dependencies: [.target(name: name), "TestSupport"] + more,
    swiftSettings: settings)
}

let package = Package(
  name: "cooper",
  products: [
    .executable(name: "cooper", targets: ["cooper"]),
    .executable(name: "cooper-guest", targets: ["cooper-guest"]),
    .library(
      name: "Cooper",
      targets: [
        "Hashing", "OrderedJSON", "ArchiveIO", "OCIModel", "Registry", "ImageArchive", "NixStore",
        "ImageBuild", "VirtualMachine",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    // For `serve` alone. FlyingFox, the other one that was measured, brings Foundation: see the commit that added this.
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
  ],
  targets: [
    // C libraries: headers, and typed inline wrappers for what Swift cannot call.
    .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    // No pkgConfig: libcurl is loaded on first use, so that commands without a network do not pay for it.
    .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
    .systemLibrary(name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
    .systemLibrary(name: "CJansson", pkgConfig: "jansson", providers: [.apt(["libjansson-dev"])]),
    .systemLibrary(name: "CGuest"),
    .systemLibrary(name: "CMachine"),
    .systemLibrary(name: "CNamespaces"),
    .systemLibrary(name: "CTrace"),
    .systemLibrary(name: "CXattr"),
    // No pkgConfig either: only databases of Nix's need it.
    .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),

    // Foundations.
    library("Hashing", ["CCrypto"]),
    library("OrderedJSON", ["CJansson"]),
    library("FileTrees", ["CXattr", system]),
    library("MachineProtocol", ["FileTrees"]),
    library(
      "ArchiveIO",
      ["FileTrees", "Hashing", "CXattr", "CArchive", "CDeflate", "CZstd", system]
        + (hasISAL ? ["CISAL"] : []),
      settings: hasISAL ? [.define("ISAL")] : []),
    library("HTTPTransport", ["CCurl"]),
    library("SQLite", ["CSQLite"]),
    library("Confinement", ["CNamespaces"]),
    library("PretendedRoot", ["Confinement", "CTrace"]),

    // Model.
    library("OCIModel", ["Hashing", "OrderedJSON"]),

    // Domain.
    library("Registry", ["OCIModel", "HTTPTransport", "OrderedJSON", "Hashing"]),
    library("ImageArchive", ["OCIModel", "ArchiveIO", "OrderedJSON", "Hashing", system]),
    library(
      "ImageServing",
      [
        "ImageArchive", "ArchiveIO", "OCIModel", "OrderedJSON", "Hashing", system,
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ]),
    library("NixStore", ["ArchiveIO", "OrderedJSON", "Hashing", "SQLite", subprocess, system]),
    library(
      "ImageBuild", ["ImageArchive", "NixStore", "OCIModel", "ArchiveIO", "OrderedJSON", "Hashing", system]),
    library(
      "VirtualMachine",
      ["MachineProtocol", "ArchiveIO", "OrderedJSON", "Hashing", "CMachine", subprocess, system]),

    // Tool.
    .executableTarget(
      name: "cooper",
      dependencies: [
        "Hashing", "OrderedJSON", "ArchiveIO", "HTTPTransport", "OCIModel", "Registry", "ImageArchive",
        "ImageServing", "NixStore", "ImageBuild", "VirtualMachine", "MachineProtocol", "Confinement",
        "PretendedRoot", subprocess, system,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: settings),

    // The first program of the virtual machine, which has no other file: it is linked without shared libraries.
    .executableTarget(
      name: "cooper-guest", dependencies: ["FileTrees", "MachineProtocol", "Confinement", "CGuest", system],
      swiftSettings: settings, linkerSettings: [.unsafeFlags(["-static-executable", "-Xlinker", "-s"])]),

    // Tests.
    .target(
      name: "TestSupport", dependencies: ["Hashing", "OrderedJSON"], path: "Tests/TestSupport",
      swiftSettings: settings),
    tests(of: "Hashing"),
    tests(of: "OrderedJSON"),
    tests(of: "ArchiveIO", ["FileTrees", "Hashing", system]),
    tests(of: "HTTPTransport"),
    tests(of: "PretendedRoot", ["Confinement", "ArchiveIO"]),
    tests(of: "OCIModel", ["Hashing", "OrderedJSON"]),
    tests(of: "Registry", ["OCIModel", "HTTPTransport", "OrderedJSON", "Hashing"]),
    tests(of: "ImageArchive", ["OCIModel", "ArchiveIO", "OrderedJSON", "Hashing", system]),
    tests(of: "ImageServing", ["ImageArchive", "OCIModel", "OrderedJSON", "Hashing", system]),
    tests(of: "NixStore", ["ArchiveIO", "OrderedJSON", "Hashing", "SQLite", system]),
    tests(
      of: "ImageBuild",
      ["ImageArchive", "NixStore", "OCIModel", "ArchiveIO", "OrderedJSON", "Hashing", system]),
    tests(
      of: "VirtualMachine",
      ["MachineProtocol", "ImageBuild", "ArchiveIO", "OrderedJSON", "Hashing", system]),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "cooper", "TestSupport", "ImageArchive", "OCIModel", "Registry", "VirtualMachine", "Hashing",
        "OrderedJSON", system,
      ],
      swiftSettings: settings),
    .testTarget(
      name: "EndToEndTests",
      dependencies: ["cooper", "TestSupport", "VirtualMachine", "Hashing", "OrderedJSON", system],
      swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)
