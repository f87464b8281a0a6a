import Foundation
import OrderedJSON
import TestSupport
import Testing

/// What `copyToRoot` becomes where Cooper decides otherwise than rsync, or nixpkgs has nothing to compare with.
@Suite struct ImageContentsTests {
  private static func paths(_ layer: [String]) -> [String] {
    layer.map { $0.split(separator: " ").dropFirst(2).joined(separator: " ") }
  }

  @Test func `the last of two files is in the image, also of the same size, and a link that is a file's`()
    async throws
  {
    try await HelloStore.with { store in
      for (item, text) in [("a", "one\n"), ("b", "two\n")] {
        try store.place.directory.write(text, to: "\(item)/file")
      }
      try await Program.check("ln", ["-s", "target", store.path("a/link")])
      try store.place.directory.write("file\n", to: "b/link")
      let members: JSONObject = ["copyToRoot": ["a", "b"]]
      let result = try await store.run(members, ["-o", store.path("out.tar")])
      #expect(result.status == 0)
      #expect(
        result.errors.contains("“file” is in \(store.path("b")) and, with other content"), "\(result.errors)")
      let layer = try await store.layers(of: store.path("out.tar"))[0]
      #expect(Self.paths(layer) == ["./", "./file", "./link"])
      let name = try await Program.check("tar", ["-tf", store.path("out.tar"), "--wildcards", "*/layer.tar"])
        .text
      let inner = try await Program.check("tar", ["-xOf", store.path("out.tar"), name]).output
      #expect(
        try await Program.check("tar", ["-xOf", "-", "./file", "./link"], input: inner).text == "two\nfile")
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `links in circles, out of the item and to nothing stay, and others become directories`() async throws {
    try await HelloStore.with { store in
      let script = """
        mkdir -p "$1/item/a/b" "$1/item/d" "$1/outside"; echo > "$1/outside/secret"; cd "$1/item"; echo > d/file
        ln -s .. a/b/up; ln -s ../.. a/b/top; ln -s . self; ln -s ../outside out; ln -s /etc etc; ln -s nothing gone
        ln -s d dir; ln -s "$PWD/d" absolute; ln -s \(HelloStore.hello)/bin hello; ln -s d/file tofile; ln -s / all
        ln -s /nix/store store; ln -s loop2 loop; ln -s loop loop2; ln -s ../item/d/../d round
        """
      try await Program.check("bash", ["-c", script, "bash", store.place.directory.path])
      let archive = try await store.build(["copyToRoot": "item", "compressor": "none"])
      let own = Self.paths(try await store.layers(of: archive)[0]).filter { $0.hasPrefix("./") }
      #expect(
        own == [
          "./", "./a/", "./a/b/", "./a/b/top -> ../..", "./a/b/up -> ..", "./absolute/", "./absolute/file",
          "./all -> /",
          "./d/", "./d/file", "./dir/", "./dir/file", "./etc -> /etc", "./gone -> nothing", "./hello/",
          "./hello/hello",
          "./loop -> loop2", "./loop2 -> loop", "./out -> ../outside", "./round/", "./round/file",
          "./self -> .",
          "./store -> /nix/store", "./tofile -> d/file", "./nix/", "./nix/store/",
        ])
    }
  }

  @Test func `kept links lead later items on, and never into the store`() async throws {
    try await HelloStore.with { store in
      let script = """
        cd "$1"; mkdir -p a/lib64 b/lib b/bin; ln -s lib64 a/lib; ln -s \(HelloStore.hello)/bin a/bin
        echo > a/lib64/one; echo > b/lib/two; echo > b/bin/other
        """
      try await Program.check("bash", ["-c", script, "bash", store.place.directory.path])
      let kept = try await store.run(
        ["copyToRoot": ["a", "b"], "keepContentsDirlinks": true], ["-o", store.path("kept.tar")])
      #expect(kept.status == 0 && kept.errors.contains("“bin” is in"), "\(kept.errors)")
      #expect(
        Self.paths(try await store.layers(of: store.path("kept.tar"))[0]) == [
          "./", "./bin/", "./bin/other", "./lib -> lib64", "./lib64/", "./lib64/one", "./lib64/two",
        ])
      let opened = try await store.build(["copyToRoot": ["a", "b"]])
      let own = Self.paths(try await store.layers(of: opened)[0]).filter { $0.hasPrefix("./") }
      #expect(
        own == [
          "./", "./bin/", "./bin/hello", "./bin/other", "./lib/", "./lib/one", "./lib/two", "./lib64/",
          "./lib64/one",
          "./nix/", "./nix/store/",
        ])
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: store.root + HelloStore.hello + "/bin") == [
          "hello"
        ])
    }
  }

  @Test func `a store path that is a link, and one that a relative link leads to, are in the image`()
    async throws
  {
    try await HelloStore.with { store in
      let link = "/nix/store/5m1qzc8f7v3xk0yb9w2hd6s4lrpgnija-link"
      try await Program.check("ln", ["-s", HelloStore.hello, store.root + link])
      var nodes = try #require(try JSONValue(parsing: store.place.directory.read("closure.json")).array)
      nodes.append(["path": .string(link), "narSize": 1, "references": [.string(HelloStore.hello)]])
      try store.place.directory.write(JSONValue.array(nodes).serialized(), to: "closure.json")
      let relative = "../" + link.dropFirst("/nix/store/".count) + "/bin/hello"
      let archive = try await store.build(["extraCommands": .string("ln -s \(relative) l")])
      let layer = Self.paths(try await store.layers(of: archive)[0])
      #expect(layer.contains("\(link.dropFirst()) -> \(HelloStore.hello)"), "\(layer)")
      #expect(layer.contains("\(HelloStore.hello.dropFirst())/bin/hello"))
    }
  }

  @Test func `permissions set modes and owners, of script's files as well`() async throws {
    try await HelloStore.with { store in
      try store.place.directory.write("x", to: "plain/data/deep/file")
      let archive = try await store.build([
        "copyToRoot": ["plain", .string(HelloStore.environment)], "uid": 1000, "gid": 100,
        "extraCommands": "mkdir tmp; echo > data/made",
        "permissions": [
          ["path": "/data/**", "uid": 7, "gid": 8, "mode": "0640"], ["path": "/data/deep", "mode": "2750"],
          ["path": "/tmp", "mode": 0o1777], ["path": "/bin/*", "mode": "4755", "uid": 0],
        ],
      ])
      let layer = try await store.layers(of: archive)[0].filter { $0.contains(" ./") }
      #expect(
        layer == [
          "drwxrwxr-x 1000/100 ./", "dr-xr-xr-x 1000/100 ./bin/", "-rwsr-xr-x 0/100 ./bin/hello",
          "drwxr-xr-x 1000/100 ./data/", "drwxr-s--- 7/8 ./data/deep/", "-rw-r----- 7/8 ./data/deep/file",
          "-rw-r----- 7/8 ./data/made", "drwxrwxrwt 1000/100 ./tmp/", "dr-xr-xr-x 0/0 ./nix/",
          "dr-xr-xr-x 0/0 ./nix/store/",
        ])
    }
  }

  @Test func `Nix works with the database that includeNixDB makes`() async throws {
    try Program.require("nix-store", package: "nix-bin")
    try await HelloStore.with { store in
      let archive = try await store.build(["copyToRoot": .string(HelloStore.hello), "includeNixDB": true])
      let script = """
        set -e; mkdir "$1/unpacked" "$1/root"; tar -xf "$2" -C "$1/unpacked"; tar -xf "$1"/unpacked/*/layer.tar -C "$1/root"
        export NIX_REMOTE="local?root=$1/root" NIX_CONFIG='build-users-group ='
        nix-store -qR "$3"; nix-store --verify --check-contents; nix-store --gc --print-dead
        """
      let result = try await Program.check(
        "bash", ["-c", script, "bash", store.place.directory.path, archive, HelloStore.hello])
      #expect(result.text == "\(HelloStore.busybox)\n\(HelloStore.hello)")
      #expect(
        !result.errors.contains("modified") && !result.errors.contains("disappeared"), "\(result.errors)")
    }
  }

  // MARK: Reproducible

  @Test func `the bytes do not depend on mask, language, time zone, user and the order of directories`()
    async throws
  {
    try await HelloStore.with { store in
      let names = ["a", "b", "é", "z", "A", "_", "a-b", "a.b"]
      for (directory, order) in [("one", names), ("two", names.reversed())] {
        for name in order { try store.place.directory.write(name, to: "\(directory)/plain/\(name)/file") }
        let spec = try store.spec(
          [
            "tag": .null, "copyToRoot": ["plain", .string(HelloStore.environment)],
            "closure": "../closure.json",
            "extraCommands":
              "mkdir made; umask > made/mask; date -d @0 > made/date; ls plain 2>&1 | cat; echo * > made/order",
            "config": ["Env": ["B=1", "A=2"], "Cmd": ["/bin/hello"]], "includeNixDB": true,
          ], named: "\(directory)/spec.json")
        #expect(spec.hasSuffix("\(directory)/spec.json"))
      }
      try await Program.check("chmod", ["755", store.place.directory.path])
      var outputs: [[UInt8]] = []
      for (directory, mask, zone, language, user) in [
        ("one", "022", "UTC", "C", []), ("two", "077", "Asia/Kolkata", "C.UTF-8", []),
        (
          "one", "002", "America/New_York", "POSIX",
          ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        ),
      ] {
        let user = geteuid() == 0 ? user : []
        let home = try TemporaryDirectory(in: "/tmp")
        defer { home.remove() }
        try await Program.check("chmod", ["777", home.path])
        let command = "umask \(mask); cd /; exec \"$@\""
        let build =
          try user + [
            Program.builtTool, "build", "image", store.path("\(directory)/spec.json"), "-o", "-", "-q",
            "--store-root",
            store.root,
          ]
        let result = try await Program.check(
          "bash", ["-c", command, "bash"] + build,
          environment: ["TZ": zone, "LC_ALL": language, "HOME": home.path, "TMPDIR": home.path])
        outputs.append(result.output)
      }
      #expect(outputs[0].count > 100_000)
      #expect((outputs[0] == outputs[1]) as Bool)
      #expect((outputs[0] == outputs[2]) as Bool)
    }
  }
}
