# A template that reports to Milepost; copy the parts marked "milepost" into yours.
# Three sources give three builds. Works from Packer 1.6.6 on.

source "null" "base" {
  communicator = "none"
}

source "null" "application" {
  communicator = "none"
}

source "file" "notes" {
  content = "what is in this image"
  target  = "milepost-notes.txt"
}

build {
  sources = ["source.null.base", "source.null.application", "source.file.notes"]

  # milepost: a stage begins here, and the one before it ends
  provisioner "shell-local" {
    inline = ["milepost-hook stage 'Base configuration'"]
  }

  provisioner "shell-local" {
    inline = ["echo 'your own provisioners stand here'"]
  }

  # milepost: the next stage
  provisioner "shell-local" {
    inline = ["milepost-hook stage 'Security baseline'"]
  }

  provisioner "shell-local" {
    inline = ["echo 'and here'"]
  }

  # milepost, from Packer 1.7 on: say so when a provisioner failed
  # error-cleanup-provisioner "shell-local" {
  #   inline = ["milepost-hook done --status failure"]
  # }

  # milepost: in one block, in this order. One manifest for each source: Packer loses entries
  # where parallel builds share one.
  post-processors {
    post-processor "manifest" {
      output = "milepost-${source.type}-${source.name}.json"
    }
    post-processor "shell-local" {
      inline = [
        "milepost-hook manifest milepost-${source.type}-${source.name}.json",
        "milepost-hook done --status success",
      ]
    }
  }
}
