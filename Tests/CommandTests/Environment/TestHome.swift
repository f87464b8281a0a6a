import Foundation
import TestSupport

@testable import cooper

/// A home directory, a machine's configuration and a `PATH`, all empty and of this test's own.
struct TestHome {
  let root: TestSupport::TemporaryDirectory
  var environment: ProcessEnvironment

  init() throws {
    root = try TestSupport::TemporaryDirectory()
    for name in ["home", "etc", "bin", "run"] {
      try FileManager.default.createDirectory(atPath: root.appending(name), withIntermediateDirectories: true)
    }
    environment = ProcessEnvironment(
      variables: [
        "PATH": "\(root.path)/bin:/usr/bin:/bin", "HOME": root.appending("home"),
        "XDG_RUNTIME_DIR": root.appending("run"),
      ],
      home: root.appending("home"))
    environment.systemDirectory = root.appending("etc")
  }

  /// Makes a credential helper that runs this shell script.
  func helper(_ name: String, _ script: String) throws {
    let path = try root.write("#!/bin/sh\n\(script)\n", to: "bin/docker-credential-\(name)")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  /// A helper that keeps logins in a directory; what it was called with and given is in `calls`.
  func keepingHelper(_ name: String) throws {
    try helper(
      name,
      """
      here='\(root.path)/\(name)'; mkdir -p "$here"; input=$(cat)
      echo "$# $1 $input" >> "$here/calls"
      url=$input
      if [ $1 = store ]; then url=${input#*\\"ServerURL\\":\\"}; url=${url%%\\"*}; fi
      file=$here/$(echo "$url" | tr / _)
      if [ $1 = store ]; then echo "$input" > "$file"; exit; fi
      if [ ! -e "$file" ]; then echo 'credentials not found in native keychain'; exit 1; fi
      if [ $1 = get ]; then cat "$file"; else rm "$file"; fi
      """)
  }

  func mode(of name: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: root.appending(name))
    return (attributes[.posixPermissions] as? Int) ?? -1
  }

  func text(_ name: String) throws -> String { String(decoding: try root.read(name), as: UTF8.self) }

  /// A login file with one entry, whose user has the name `user`.
  func writeLogin(_ user: String, for key: String = "a.com", to name: String) throws {
    let entry = "{\"username\": \"\(user)\", \"password\": \"p\"}"
    let isFlat = name.hasSuffix(".dockercfg")
    try root.write(isFlat ? "{\"\(key)\": \(entry)}" : "{\"auths\": {\"\(key)\": \(entry)}}", to: name)
  }
}
