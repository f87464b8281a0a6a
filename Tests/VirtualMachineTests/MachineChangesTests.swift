import ArchiveIO
import Foundation
import MachineProtocol
import TestSupport
import Testing

/// What comes back of changes: everything that a layer can say, and nothing that was not changed.
@Suite struct MachineChangesTests {
  @Test func `every kind of change comes back exactly`() async throws {
    let machine = try await MachineCase(
      """
      echo same > etc/same; echo one > etc/one; ln etc/one etc/other
      mkdir -p gone/below emptied moved/inner kept; echo x > gone/below/file; echo x > emptied/file
      echo x > moved/inner/file; echo x > kept/file; setfattr -n user.kept -v base kept/file
      """)
    defer { machine.remove() }
    let printed = try await machine.run(
      """
      mkdir new; echo mine > new/file; chown 4000000000:3000000000 new/file; chmod 4755 new/file
      ln new/file new/again; ln -s /no/where new/link; mknod new/device c 12 345; mknod new/block b 7 1
      mkfifo new/pipe; chmod 2750 new/pipe
      echo odd > "new/$(printf 'caf\\351')"
      rm -r gone; rm -r emptied; mkdir emptied; echo y > emptied/new
      mv moved away
      echo two >> etc/one; cat etc/other
      chown 7:8 kept/file
      n=$(printf '%0200d' 0); mkdir -p "long/$n"; echo deep > "long/$n/$n"
      truncate -s 3000000 new/sparse; printf end >> new/sparse
      """)
    // All names of a file are names of one file, before and after.
    #expect(printed == "one\ntwo\n")
    let changes = try Changes(machine.output)

    // The name that comes first is the file, and the other one a link to it.
    let file = try #require(changes["./new/again"])
    #expect((file.userID, file.groupID, file.mode) == (4_000_000_000, 3_000_000_000, 0o4755))
    #expect(changes.text("./new/again") == "mine\n")
    let other = try #require(changes["./new/file"])
    #expect(other.isHardLink && other.linkName == Array("./new/again".utf8))
    #expect(changes["./new/link"]?.linkName == Array("/no/where".utf8))
    let device = try #require(changes["./new/device"])
    #expect((device.type, device.deviceMajor, device.deviceMinor) == (UInt8(ascii: "3"), 12, 345))
    #expect(changes["./new/block"]?.type == UInt8(ascii: "4"))
    #expect(changes["./new/pipe"].map { [UInt32($0.type), $0.mode] } == [0x36, 0o2750])
    #expect(changes.members.contains { $0.name == Array("./new/caf".utf8) + [0xE9] })
    #expect(changes["./new/sparse"]?.byteCount == 3_000_003)

    #expect(changes.names.contains("./.wh.gone"))
    #expect(!changes.names.contains { $0.hasPrefix("./gone") })
    #expect(
      changes.names.filter { $0.hasPrefix("./emptied") } == [
        "./emptied/", "./emptied/.wh..wh..opq", "./emptied/new",
      ])
    #expect(changes.names.contains("./.wh.moved"))
    #expect(changes.text("./away/inner/file") == "x\n")
    #expect(changes.text("./etc/one") == "one\ntwo\n")
    #expect(changes["./etc/other"]?.linkName == Array("./etc/one".utf8))
    #expect(!changes.names.contains("./etc/same"))

    let kept = try #require(changes["./kept/file"])
    #expect((kept.userID, kept.groupID) == (7, 8))
    let attributes = Dictionary(uniqueKeysWithValues: kept.extendedAttributes.map { ($0.key, $0.value) })
    #expect(attributes[Array("SCHILY.xattr.user.kept".utf8)] == Array("base".utf8))
    let long = String(repeating: "0", count: 200)
    #expect(changes.text("./long/\(long)/\(long)") == "deep\n")
    // What is mounted for the program is no change.
    for name in ["./dev", "./proc", "./sys"] { #expect(!changes.names.contains { $0.hasPrefix(name) }) }
  }

  @Test func `a file that has several names comes back with all that it has left`() async throws {
    let machine = try await MachineCase(
      """
      mkdir a b
      for name in same written removed gone moved linked over; do echo $name > a/$name; ln a/$name b/$name; done
      ln -s nowhere a/symbolic; ln a/symbolic b/symbolic; echo single > a/single
      mkdir c; echo c > c/file; ln c/file b/of-c
      """)
    defer { machine.remove() }
    let printed = try await machine.run(
      """
      echo more >> b/written; rm a/removed; echo more >> a/gone; rm a/gone; mv a/moved a/away; echo more >> a/away
      ln a/linked a/third; mv a/single a/over; chown -h 5 b/symbolic
      echo more >> b/of-c; mv c d; ln -s /proc c
      cat a/written b/gone b/moved b/over d/file
      """)
    #expect(printed == "written\nmore\ngone\nmore\nmoved\nmore\nover\nc\nmore\n")
    let changes = try Changes(machine.output)
    func link(_ name: String) -> String? {
      changes[name].map { $0.isHardLink ? String(decoding: $0.linkName, as: UTF8.self) : "" }
    }
    #expect(!changes.names.contains { $0.hasSuffix("/same") })
    #expect(changes.text("./b/written") == "written\nmore\n" && link("./a/written") == "./b/written")
    #expect(changes.text("./b/removed") == "removed\n" && changes.names.contains("./a/.wh.removed"))
    #expect(changes.text("./b/gone") == "gone\nmore\n" && changes.names.contains("./a/.wh.gone"))
    #expect(changes.text("./a/away") == "moved\nmore\n" && link("./b/moved") == "./a/away")
    #expect(["./a/linked", "./b/linked", "./a/third"].compactMap(link).filter { !$0.isEmpty }.count == 2)
    // Another file has come there, and the old one has a name less.
    #expect(changes.text("./a/over") == "single\n" && changes.text("./b/over") == "over\n")
    #expect(changes["./b/symbolic"]?.userID == 5 && link("./a/symbolic") == "./b/symbolic")
    #expect(changes["./c"]?.isSymbolicLink == true && changes.names.contains("./d/"))
    #expect(changes.text("./b/of-c") == "c\nmore\n" || link("./b/of-c") == "./d/file")
    #expect(Set(changes.names).count == changes.names.count)
  }

  @Test func `a directory that was moved comes back whole, and nothing else with it`() async throws {
    let machine = try await MachineCase(
      """
      mkdir -p a/inner b; echo file > a/inner/file; ln a/inner/file b/link; echo two > a/two; ln a/two b/two
      echo gone > a/gone; mkdir a/other; echo x > a/other/x; ln a/other/x a/inner/x; mkfifo a/pipe
      mkdir same back; echo x > same/x; echo x > back/x
      mkdir -p over/old from way/inner; echo x > over/old/x; echo x > from/x; echo x > way/inner/x; echo x > way/y
      """)
    defer { machine.remove() }
    let printed = try await machine.run(
      """
      chmod 750 a/inner; mv a new; rm new/gone; echo made > new/made; echo more >> new/two
      mv new/other new/inner/third; mkdir fresh; mv new/inner fresh/
      rm -r over; mv from over; mv way/inner other; rm -r way; mkdir way; mv other way/inner
      mv same other; mv other same; mv back fresh/; mv fresh/back .; cat b/two fresh/inner/third/x
      """)
    #expect(printed == "two\nmore\nx\n")
    let changes = try Changes(machine.output)
    #expect(
      Set(changes.names) == [
        "./", "./.wh.a", "./b/two", "./back/", "./same/", "./fresh/", "./fresh/.wh..wh..opq",
        "./fresh/inner/", "./fresh/inner/.wh..wh..opq", "./fresh/inner/file", "./fresh/inner/third/",
        "./fresh/inner/third/x", "./fresh/inner/x", "./new/", "./new/.wh..wh..opq", "./new/made",
        "./new/pipe", "./new/two",
        // What was there before is gone with its directory, also where one of the lower tree takes its place.
        "./.wh.from", "./over/", "./over/.wh..wh..opq", "./over/x", "./way/", "./way/.wh..wh..opq",
        "./way/inner/", "./way/inner/.wh..wh..opq", "./way/inner/x",
      ])
    #expect(changes.names.count == Set(changes.names).count)
    #expect(changes.text("./fresh/inner/file") == "file\n")
    #expect(changes["./fresh/inner/"]?.mode == 0o750)
    #expect(changes["./fresh/inner/x"]?.linkName == Array("./fresh/inner/third/x".utf8))
    #expect(changes["./b/two"]?.linkName == Array("./new/two".utf8))
    #expect(changes["./new/pipe"]?.type == UInt8(ascii: "6"))
  }

  @Test func `a program that changes nothing leaves nothing but the root`() async throws {
    let machine = try await MachineCase()
    defer { machine.remove() }
    #expect(try await machine.run("true") == "")
    #expect(try Changes(machine.output).names == ["./"])
  }

  @Test func `much output arrives, and a program may open its streams again`() async throws {
    let machine = try await MachineCase()
    defer { machine.remove() }
    let printed = try await machine.run(
      "seq 200000; echo error > /dev/stderr; echo output > /dev/stdout; echo again >> /proc/self/fd/2")
    let lines = printed.split(separator: "\n")
    #expect(lines.count == 200_003)
    #expect(lines.suffix(4) == ["200000", "error", "output", "again"])
  }

  @Test func `the program reaches nothing but its tree`() async throws {
    let machine = try await MachineCase()
    defer { machine.remove() }
    let printed = try await machine.run(
      """
      echo "links: $(ls /sys/class/net)"
      echo "processes: $(ls /proc | grep -c '^[0-9]')"
      touch /sys/x 2>/dev/null || echo "no sysfs"
      ls /dev
      kill -9 -1 2>/dev/null || true
      chroot /proc/1/root ls / | tr '\\n' ' '
      """)
    let lines = printed.split(separator: "\n").map(String.init)
    #expect(lines.first == "links: lo")
    #expect(lines.contains("no sysfs"))
    #expect(!lines.contains { $0.hasPrefix("vd") || $0.hasPrefix("vport") || $0 == "mem" })
    #expect(lines.last?.contains("scratch") == false)
  }
}
