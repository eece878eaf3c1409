# States 55 to 100, on top of the hardened image.

variable "from" {
  type = string
}

variable "fail" {
  type    = string
  default = "no"
}

source "file" "image" {
  source = var.from
  target = "image-application.txt"
}

build {
  sources = ["source.file.image"]

  provisioner "shell-local" {
    inline = ["echo 'milepost: stage 55 Services'", "test '${var.fail}' = no"]
  }

  provisioner "shell-local" {
    inline = ["echo 'milepost: stage 60 Application'", "echo 'your application stands here'"]
  }

  post-processor "manifest" {
    output = "image-manifest.json"
  }
}
