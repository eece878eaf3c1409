# States 20 to 50, on top of the base. With a cloud builder `from` is an image's id: source_ami.

variable "from" {
  type = string
}

source "file" "image" {
  source = var.from
  target = "image-hardened.txt"
}

build {
  sources = ["source.file.image"]

  provisioner "shell-local" {
    inline = ["echo 'milepost: stage 25 Security baseline'", "echo 'your hardening stands here'"]
  }

  provisioner "shell-local" {
    inline = ["echo 'milepost: stage 50 Users and authentication'", "sleep 1"]
  }
}
